// Sessions against a model that looks at one row after the other.
#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

struct Model {
  struct Open {
    Group rows;
    Microseconds start = 0;
    Microseconds last = 0;
  };
  Microseconds gap;
  bool by = true;
  std::map<std::string, std::vector<Open>> open = {};
  std::set<std::string> rows = {};
  std::size_t late = 0;
  std::size_t on_time = 0;

  void add(const Record& r, Microseconds watermark) {
    std::vector<Open>& sessions = open[by ? shown(r.k) + "|" : ""];
    Open joined{{}, r.ts, r.ts};
    for (const Open& session : sessions) {
      if (!touches(session, r.ts)) continue;
      joined.rows.insert(joined.rows.end(), session.rows.begin(), session.rows.end());
      joined.start = std::min(joined.start, session.start);
      joined.last = std::max(joined.last, session.last);
    }
    if (joined.rows.empty() && watermark != kNoWatermark && r.ts + gap <= watermark) {
      ++late;
      return;
    }
    ++on_time;
    joined.rows.push_back(r);
    std::erase_if(sessions, [&](const Open& session) { return touches(session, r.ts); });
    sessions.push_back(joined);
  }
  void fire(Microseconds watermark) {
    for (auto& [key, sessions] : open) {
      for (const Open& s : sessions) {
        if (s.last + gap > watermark) continue;
        rows.insert(key + std::to_string(s.start) + "|" + std::to_string(s.last + gap) + "|" + everything_of(s.rows));
      }
      std::erase_if(sessions, [&](const Open& s) { return s.last + gap <= watermark; });
    }
  }
  bool touches(const Open& session, Microseconds ts) const {
    return ts - session.last < gap && session.start - ts < gap;
  }
};

Options sessions(Microseconds gap, bool by = true) {
  Options options{.compute = kEverything, .by = {}};
  if (by) options.by = {"k"};
  options.window = "session " + std::to_string(gap / kSecond) + "s";
  return options;
}

void run_sessions(std::uint64_t seed, Microseconds gap, bool by) {
  BOOST_TEST_CONTEXT("seed " << seed << ", gap " << gap << (by ? "" : ", all rows")) {
    Running running(sessions(gap, by), record_schema());
    Model model{gap, by};
    Gather out;
    std::size_t sent = 0;
    Microseconds watermark = kNoWatermark;
    for (const Step& step : steps_of(seed, 60)) {
      sent += step.records.size();
      for (const Record& r : step.records) model.add(r, watermark);
      const std::size_t cut = seed % 3 * step.records.size() / 3;
      running.batch(batch_of(running.input(), {step.records.begin(), step.records.begin() + cut}), out);
      running.batch(batch_of(running.input(), {step.records.begin() + cut, step.records.end()}), out);
      BOOST_REQUIRE(out.late.size() == model.late);
      watermark = step.watermark;
      running.watermark(watermark, out);
      model.fire(watermark);
      BOOST_REQUIRE(out.rows == model.rows);
    }
    running.end(out);
    model.fire(kEndOfTime);
    BOOST_TEST(out.rows == model.rows, boost::test_tools::per_element());
    BOOST_TEST(out.log.size() == out.rows.size());
    BOOST_TEST(model.on_time + out.late_count == sent);
    BOOST_TEST(running.store().rows() == 0);
  }
}

Record at(Microseconds seconds, std::int64_t v = 0) {
  Record r;
  r.k = 1;
  r.v = v;
  r.ts = seconds * kSecond;
  return r;
}

std::vector<std::string> sums(const std::vector<std::vector<Record>>& batches, Gather& out) {
  Options options{.compute = "sum(v)", .by = {"k"}};
  options.window = "session 10s";
  Running running(options, record_schema());
  for (const std::vector<Record>& records : batches) running.batch(batch_of(running.input(), records), out);
  running.end(out);
  return {out.rows.begin(), out.rows.end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sessions_of_rows)

BOOST_AUTO_TEST_CASE(sessions_equal_the_model_and_on_time_and_late_rows_are_all) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (const Microseconds gap : {1 * kSecond, 4 * kSecond, 12 * kSecond}) {
      run_sessions(seed, gap, true);
      run_sessions(seed, gap, false);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_restored_anywhere_with_any_parallelism_gives_what_an_undisturbed_one_gives) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    run_replay(seed, sessions(2 * kSecond), true);
    run_replay(seed, sessions(9 * kSecond), true);
  }
}

BOOST_AUTO_TEST_CASE(a_row_a_gap_behind_the_last_begins_a_session) {
  Gather out;
  BOOST_TEST(sums({{at(0, 1), at(10, 2), at(19, 4)}}, out) ==
                 std::vector<std::string>({"1|0|10000000|1", "1|10000000|29000000|6"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_row_between_two_sessions_makes_them_one) {
  Gather out;
  BOOST_TEST(sums({{at(0, 1)}, {at(15, 2)}, {at(30, 8)}, {at(8, 4), at(22, 16)}}, out) ==
                 std::vector<std::string>({"1|0|40000000|31"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_row_that_makes_a_sum_too_large_changes_nothing_not_even_the_session) {
  Gather out;
  BOOST_TEST(sums({{at(0, INT64_MAX)}, {at(5, 1), at(6, -1)}}, out) ==
                 std::vector<std::string>({"1|0|16000000|" + std::to_string(INT64_MAX - 1)}),
             boost::test_tools::per_element());
  BOOST_TEST(out.bad == std::vector<std::string>({"bigint out of range"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sessions_that_are_too_large_together_are_a_bad_record) {
  Gather out;
  BOOST_TEST(sums({{at(0, INT64_MAX)}, {at(15, INT64_MAX)}, {at(8, 0)}, {at(99, 5)}}, out) ==
                 std::vector<std::string>({"1|99000000|109000000|5"}),
             boost::test_tools::per_element());
  BOOST_TEST(out.bad == std::vector<std::string>({"sum out of range"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_late_row_opens_no_session_but_belongs_to_one_that_is_open) {
  Options options{.compute = "count(*)", .by = {"k"}};
  options.window = "session 10s";
  Running running(options, record_schema());
  Gather out;
  running.batch(batch_of(running.input(), {at(95)}), out);
  running.watermark(100 * kSecond, out);
  running.batch(batch_of(running.input(), {at(70), at(86), at(77), at(60)}), out);
  BOOST_TEST(out.late_count == 2);
  running.end(out);
  BOOST_TEST(out.log == std::vector<std::string>({"+1|77000000|105000000|3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
