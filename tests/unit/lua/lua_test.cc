#include "stages/lua/lua.h"

#include <random>

#include "tests/support/operator_rig.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr Microseconds kSecond = 1'000'000;

Values values(std::string code, std::map<std::string, std::string> more = {}) {
  Values values;
  values.set("code", std::move(code));
  for (auto& [name, text] : more) values.set(name, std::move(text));
  return values;
}

Values keyed(std::string code, std::map<std::string, std::string> more = {}) {
  Values out = values(std::move(code), std::move(more));
  out.set("by", std::vector<std::string>{"k"});
  return out;
}

Schema events() {
  Schema schema = *parse_schema("k varchar, ts timestamp, v bigint");
  schema.time = 1;
  return schema;
}

OperatorRig rig(Values options, Schema schema = events(), std::uint32_t parallelism = 1) {
  return {plan_lua, Lua::make, std::move(options), {{"in", std::move(schema)}}, parallelism};
}

struct Event {
  std::string k;
  Microseconds ts = 0;
  std::int64_t v = 0;
};

void send(OperatorRig& rig, const std::vector<Event>& events, Emitted& out) {
  BatchBuilder builder(rig.input(0));
  for (const Event& event : events) {
    builder.column(0).append_bytes(event.k);
    builder.column(1).append(event.ts);
    builder.column(2).append(event.v);
    builder.end_row();
  }
  rig.batch(0, builder.finish(), out);
}

PlanError planned(const Values& options, const Schema& schema = events()) {
  const PlanAnswer answer = plan_lua({options, {{"in", schema}}, "/", 1, "stage"});
  BOOST_TEST_REQUIRE(answer.errors.size() == 1u);
  return answer.errors[0];
}

using Rows = std::multiset<std::string>;

// Sums by key, and tells the sum of each key when nothing of it has come for 5 s.
constexpr char kSessions[] = R"(
function on_row(row, state, emit)
  state.total = (state.total or 0) + row.v
  if not state.last or row.ts > state.last then state.last = row.ts end
  stream.timer(row.ts + 5 * stream.second)
end
function on_timer(key, time, state, emit)
  if state.last and time == state.last + 5 * stream.second then
    emit{k = key.k, ts = time, v = state.total}
    stream.forget()
  end
end
)";

std::map<std::string, std::string> session_options() { return {{"state", "total bigint, last timestamp"}}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(lua)

BOOST_AUTO_TEST_CASE(values_of_every_type_come_through_a_script_unchanged) {
  const std::string columns =
      "b boolean, n bigint, f double, d decimal(20,3), s varchar, t timestamp, day date, i interval, x blob, j json";
  for (const char* code :
       {"function on_row(row, state, emit) emit(row) end",
        "function on_row(row, state, emit) emit(row.b, row.n, row.f, row.d, row.s, row.t, row.day, row.i, row.x, "
        "row.j) end",
        "function on_row(row, state, emit) for _, name in ipairs(stream.columns) do state[name .. '_'] = row[name] "
        "end\n"
        "emit{b = state.b_, n = state.n_, f = state.f_, d = state.d_, s = state.s_, t = state.t_, day = state.day_, "
        "i = state.i_, x = state.x_, j = state.j_} stream.forget() end"}) {
    Values options = values(code, {{"state",
                                    "b_ boolean, n_ bigint, f_ double, d_ decimal(20,3), s_ varchar, t_ timestamp, "
                                    "day_ date, i_ interval, x_ blob, j_ json"}});
    options.set("by", std::vector<std::string>{"s"});
    OperatorRig stage = rig(std::move(options), *parse_schema(columns));
    BatchBuilder builder(stage.input(0));
    for (const bool null : {false, true}) {
      for (std::size_t i = 0; i < 10 && null; ++i) builder.column(i).append_null();
      if (!null) {
        builder.column(0).append(std::uint8_t{1});
        builder.column(1).append(std::int64_t{9'007'199'254'740'993});  // not a double
        builder.column(2).append(0.1);
        builder.column(3).append(Decimal{-12'345});
        builder.column(4).append_bytes("grün");
        builder.column(5).append(std::int64_t{1'700'000'000'123'456});
        builder.column(6).append(std::int32_t{-5});
        builder.column(7).append(Interval{1, 2, 3'000'000});
        builder.column(8).append_bytes(std::string_view("\0\xff", 2));
        builder.column(9).append_bytes(R"({"a":[1]})");
      }
      builder.end_row();
    }
    const Batch batch = builder.finish();
    Emitted out;
    stage.batch(0, batch, out);
    for (const std::string& bad : out.bad) BOOST_ERROR(bad);
    const Rows wanted = {shown(batch, 0), shown(batch, 1)};
    BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_error_makes_the_row_bad_and_drops_what_the_call_emitted) {
  OperatorRig stage =
      rig(values("function on_row(row, state, emit)\n emit(row)\n emit(row)\n"
                 " if row.v % 3 == 0 then error('three') end\n if row.v == 4 then emit{v = 'x'} end\nend"));
  Emitted out;
  send(stage, {{"a", 0, 1}, {"a", 0, 3}, {"a", 0, 2}, {"a", 0, 4}, {"a", 0, 6}, {"a", 0, 7}}, out);
  const Rows wanted = {"a|0|1", "a|0|1", "a|0|2", "a|0|2", "a|0|7", "a|0|7"};
  BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
  const std::vector<std::string> bad = {"code:4: three", "code:5: column 'v': x is not a whole number",
                                        "code:4: three"};
  BOOST_TEST(out.bad == bad, boost::test_tools::per_element());
}

// Batches end between the rows of two calls, whatever the rows before have grown to; a call that fails takes all of its
// rows with it.
BOOST_AUTO_TEST_CASE(rows_larger_than_a_batch_come_whole) {
  const std::string script =
      "function on_row(row, state, emit) for i = 1, 3 do emit(row.k, row.ts, row.v * 10 + i) end"
      " if row.v == 4 then error('four') end end";
  OperatorRig operators = rig(values(script));
  Emitted out;
  std::vector<Event> events;
  Rows wanted;
  for (std::int64_t v = 0; v < 9; ++v) {
    events.push_back({std::string(700'000, 'x'), v, v});
    for (std::int64_t i = 1; v != 4 && i <= 3; ++i) wanted.insert(std::to_string(v * 10 + i));
  }
  send(operators, events, out);
  Rows found;  // without the long texts
  for (const std::string& row : out.rows) found.insert(row.substr(row.rfind('|') + 1));
  BOOST_TEST(found == wanted, boost::test_tools::per_element());
  BOOST_TEST(out.bad.size() == 1u);
}

BOOST_AUTO_TEST_CASE(sessions_of_a_script_equal_those_of_an_undisturbed_run_wherever_it_restarts) {
  std::mt19937 random(7);
  std::vector<std::vector<Event>> batches(60);
  Microseconds now = 0;
  for (auto& batch : batches) {
    for (int i = 0; i < 20; ++i) {
      now += static_cast<Microseconds>(random() % 400'000);
      batch.push_back({"key" + std::to_string(random() % 13), now, static_cast<std::int64_t>(random() % 100)});
    }
  }
  const auto run = [&](bool disturbed) {
    OperatorRig stage = rig(keyed(kSessions, session_options()), events(), disturbed ? 3 : 1);
    Emitted out;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      send(stage, batches[i], out);
      stage.watermark(batches[i].back().ts, out);
      if (disturbed && i % 7 == 3) stage.restart(static_cast<std::uint32_t>(1 + i % 4), out);
    }
    stage.end(out);
    BOOST_TEST(out.bad.empty());
    BOOST_TEST(stage.state_rows() == 0u);
    return out.rows;
  };
  const Rows undisturbed = run(false);
  BOOST_TEST(undisturbed.size() > 50u);
  const Rows disturbed = run(true);
  BOOST_TEST(disturbed == undisturbed, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(timers_of_a_key_come_in_order_of_time_those_set_on_the_way_too) {
  OperatorRig stage =
      rig(keyed("function on_row(row) stream.timer(row.ts + 10) stream.timer(row.ts + 30)"
                " stream.timer(row.ts + 10) end\n"
                "function on_timer(key, time, state, emit) state.n = (state.n or 0) + 1"
                " if time == 10 then stream.timer(20) end emit(key.k, time, state.n) end",
                {{"state", "n bigint"}}));
  Emitted out;
  send(stage, {{"a", 0, 0}}, out);
  stage.watermark(9, out);
  BOOST_TEST(out.rows.empty());
  stage.watermark(30, out);
  const Rows wanted = {"a|10|1", "a|20|2", "a|30|3"};
  BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(at_the_end_waiting_timers_come_and_those_set_then_do_not) {
  OperatorRig stage =
      rig(keyed("function on_row(row) stream.timer(row.ts + stream.hour) end\n"
                "function on_timer(key, time, state, emit) emit(key.k, time, 0) stream.timer(time + 1) end\n"
                "function on_end(emit) emit('end') end"));
  Emitted out;
  send(stage, {{"a", 0, 0}, {"b", 1, 0}}, out);
  stage.end(out);
  const Rows wanted = {"a|3600000000|0", "b|3600000001|0", "end|NULL|NULL"};
  BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_timer_whose_function_fails_is_a_bad_record_and_the_others_come) {
  OperatorRig stage =
      rig(keyed("function on_row(row) stream.timer(10) end\n"
                "function on_timer(key, time, state, emit) if key.k == 'b' then error('no') end emit(key.k) end"));
  Emitted out;
  send(stage, {{"a", 0, 0}, {"b", 0, 0}, {"c", 0, 0}}, out);
  stage.watermark(10, out);
  BOOST_TEST(out.rows.size() == 2u);
  BOOST_TEST(out.bad == std::vector<std::string>{"code:2: no"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(state_is_forgotten_when_event_time_is_past_its_ttl) {
  OperatorRig stage =
      rig(keyed("function on_row(row, state, emit) state.n = (state.n or 0) + 1 emit(row.k, row.ts, state.n) end",
                {{"state", "n bigint"}, {"ttl", "10s"}}));
  Emitted out;
  send(stage, {{"a", 0, 0}, {"b", 5 * kSecond, 0}}, out);
  stage.watermark(11 * kSecond, out);
  BOOST_TEST(stage.state_rows() == 1u);
  send(stage, {{"a", 11 * kSecond, 0}, {"b", 12 * kSecond, 0}}, out);
  stage.restart(2, out);
  stage.watermark(20 * kSecond, out);
  BOOST_TEST(stage.state_rows() == 2u);
  const Rows wanted = {"a|0|1", "b|5000000|1", "a|11000000|1", "b|12000000|2"};
  BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(entries_of_a_key_are_kept_in_order_and_move_with_it) {
  // Keeps the newest three values of each key, by event time, and tells their sum.
  const char* code = R"(
function on_row(row, state, emit)
  stream.put(row.ts, row.v, "v" .. row.v)
  local count, sum, oldest, texts = 0, 0, nil, ""
  for ts, v, text in stream.each() do count, sum, oldest, texts = count + 1, sum + v, oldest or ts, texts .. text end
  if count > 3 then sum = sum - stream.get(oldest) stream.drop(oldest) end
  if stream.get(oldest) == nil and count <= 3 then error("lost") end
  emit(row.k .. texts, row.ts, sum)
end)";
  std::mt19937 random(3);
  std::vector<Event> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back({"key" + std::to_string(random() % 5), i * 7919 % 1000, static_cast<std::int64_t>(random() % 100)});
  }
  std::map<std::string, std::map<Microseconds, std::int64_t>> model;
  Rows wanted;
  for (const Event& event : all) {
    auto& kept = model[event.k];
    kept[event.ts] = event.v;
    std::string texts;
    for (const auto& [ts, v] : kept) texts += "v" + std::to_string(v);
    if (kept.size() > 3) kept.erase(kept.begin());
    std::int64_t sum = 0;
    for (const auto& [ts, v] : kept) sum += v;
    wanted.insert(event.k + texts + "|" + std::to_string(event.ts) + "|" + std::to_string(sum));
  }
  OperatorRig stage = rig(keyed(code, {{"entries", "at timestamp, v bigint, text varchar"}}), events(), 2);
  Emitted out;
  for (std::size_t i = 0; i < all.size(); i += 25) {
    send(stage, {all.begin() + static_cast<std::ptrdiff_t>(i), all.begin() + static_cast<std::ptrdiff_t>(i + 25)}, out);
    stage.restart(static_cast<std::uint32_t>(1 + i / 25 % 3), out);
  }
  for (const std::string& bad : out.bad) BOOST_ERROR(bad);
  BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
  BOOST_TEST(stage.state_rows() == 15u);
}

BOOST_AUTO_TEST_CASE(entries_are_dropped_while_they_are_gone_through_and_forgotten_with_their_key_or_with_age) {
  OperatorRig stage = rig(keyed(R"(
function on_row(row, state, emit)
  stream.put("a") stream.put("b") stream.put("c") stream.put(7)
  local seen = ""
  for item, is in stream.each() do
    if is ~= true then error("no entry") end
    seen = seen .. item
    if item == "a" then stream.drop("b") end
  end
  emit(seen, row.ts, stream.drop("b") and 1 or 0)
  if row.v == 1 then stream.forget() end
  if row.v == 2 then stream.put(nil) end
  if row.v == 3 then stream.put("\255") end
end)",
                                {{"entries", "item varchar"}, {"ttl", "10s"}}));
  Emitted out;
  send(stage, {{"x", 0, 1}, {"y", kSecond, 2}, {"y", kSecond, 3}}, out);
  const Rows wanted = {"7ac|0|0"};
  BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
  const std::vector<std::string> bad = {"code:12: an entry is named by a string, not nil",
                                        "code:13: an entry is named by a string of UTF-8"};
  BOOST_TEST(out.bad == bad, boost::test_tools::per_element());
  BOOST_TEST(stage.state_rows() == 3u);
  stage.watermark(12 * kSecond, out);
  BOOST_TEST(stage.state_rows() == 0u);
}

BOOST_AUTO_TEST_CASE(a_key_that_a_script_only_reads_takes_no_room) {
  OperatorRig stage =
      rig(keyed("function on_row(row, state, emit) if row.v > 1 then state.n = 1 end"
                " if row.v == 3 then stream.forget() stream.forget() end emit(row.k, row.ts, state.n) end",
                {{"state", "n bigint"}}));
  Emitted out;
  send(stage, {{"a", 0, 0}, {"b", 0, 2}, {"c", 0, 3}, {"b", 1, 0}}, out);
  BOOST_TEST(stage.state_rows() == 1u);
  const Rows wanted = {"a|0|NULL", "b|0|1", "c|0|NULL", "b|1|1"};
  BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_script_cannot_reach_outside_unless_it_is_trusted) {
  for (const char* name : {"io", "os", "require", "package", "dofile", "loadfile", "debug", "jit"}) {
    const std::string code =
        std::string("function on_row(row, state, emit) emit(") + name + " and 'there' or 'gone') end";
    for (const bool trusted : {false, true}) {
      Values options = values(code);
      if (trusted) options.set("trusted", "true");
      OperatorRig stage = rig(std::move(options));
      Emitted out;
      send(stage, {{"a", 0, 0}}, out);
      const Rows wanted = {trusted ? "there|NULL|NULL" : "gone|NULL|NULL"};
      BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_script_may_load_text_but_nothing_compiled) {
  for (const char* load : {"load", "loadstring"}) {
    OperatorRig stage = rig(values(std::string("local load = ") + load + R"(
function on_row(row, state, emit)
  local compiled, why = load(string.dump(function() return 1 end))
  emit(compiled and 'loaded' or why, nil, load('return v + 1', 'x', 'bt', {v = 4})())
end)"));
    Emitted out;
    send(stage, {{"a", 0, 0}}, out);
    const Rows wanted = {"attempt to load chunk with wrong mode|NULL|5"};
    BOOST_TEST(out.rows == wanted, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(rows_that_give_more_than_they_are_lose_nothing) {
  OperatorRig stage = rig(values(R"(
function on_row(row, state, emit)
  for i = 1, 5 do emit(row.k, row.ts, row.v * 10 + i) end
  if row.v % 3 == 0 then error('no') end
end)"));
  Emitted out;
  Rows wanted;
  std::vector<Event> events;
  for (std::int64_t v = 0; v < 5000; ++v) {
    events.push_back({std::string(30, 'k'), 0, v});
    for (std::int64_t i = 1; v % 3 != 0 && i <= 5; ++i) {
      wanted.insert(std::string(30, 'k') + "|0|" + std::to_string(v * 10 + i));
    }
  }
  send(stage, events, out);
  BOOST_TEST((out.rows == wanted));
  BOOST_TEST(out.bad.size() == 1667u);
}

// A batch that takes long is left and taken up again, by row and key, and rows that fail fail once.
BOOST_AUTO_TEST_CASE(a_slow_script_works_on_a_batch_in_turns) {
  Values options = keyed(R"(
local ffi = require('ffi')
ffi.cdef('int usleep(unsigned)')
function on_row(row, state, emit)
  ffi.C.usleep(1000)
  state.n = (state.n or 0) + 1
  emit(row.k, row.ts, state.n * 1000 + row.v)
  if row.v % 7 == 0 then error('no') end
end)",
                         {{"trusted", "true"}, {"state", "n bigint"}});
  OperatorRig stage = rig(options);
  Emitted out;
  Rows wanted;
  std::vector<Event> events;
  std::map<std::string, std::int64_t> counts;
  for (std::int64_t v = 0; v < 500; ++v) {
    const std::string k(1, static_cast<char>('a' + v % 3));
    events.push_back({k, 0, v});
    const std::int64_t n = ++counts[k];
    if (v % 7 != 0) wanted.insert(k + "|0|" + std::to_string(n * 1000 + v));
  }
  send(stage, events, out);
  BOOST_TEST((out.rows == wanted));
  BOOST_TEST(out.bad.size() == 72u);
  BOOST_TEST(stage.turns > 4u);
}

BOOST_AUTO_TEST_CASE(a_call_that_gives_more_than_a_batch_can_hold_gives_several) {
  OperatorRig stage = rig(values(R"(
local text = ('x'):rep(1024 * 1024)
function on_row(row, state, emit)
  for i = 1, 150 do emit(text, nil, i) end
end)"));
  BatchSizes out;
  BatchBuilder one(stage.input(0));
  for (std::size_t column = 0; column < 3; ++column) one.column(column).append_null();
  one.end_row();
  stage.batch(0, one.finish(), out);
  BOOST_TEST(out.rows == 150u);
  BOOST_TEST(out.largest < std::size_t{70} << 20);
}

BOOST_AUTO_TEST_CASE(planning_says_what_is_wrong) {
  BOOST_TEST(planned(values("x = = 1")).message == "code:1: unexpected symbol near '='");
  BOOST_TEST(planned(Values()).message == "either a script or code is needed, and not both");
  BOOST_TEST(planned(values("", {{"state", "n bigint"}})).option == "state");
  BOOST_TEST(planned(keyed("", {{"state", "K bigint"}})).message == "column 'K' is part of the key already");
  BOOST_TEST(planned(keyed("", {{"ttl", "1s"}})).option == "ttl");
  BOOST_TEST(planned(keyed("", {{"entries", "x double"}})).hint == "make it VARCHAR, BIGINT or TIMESTAMP");
  BOOST_TEST(planned(keyed("", {{"state", "n bigint"}, {"ttl", "1s"}}), *parse_schema("k bigint")).option == "ttl");
  Schema updates = events();
  updates.changelog = Changelog::kUpdates;
  BOOST_TEST(planned(values(""), updates).hint == "put it before what updates");
}

BOOST_AUTO_TEST_SUITE_END()
