#include "supervisor/plan.h"
#include "supervisor/assignments.h"

#include <boost/test/unit_test.hpp>

#include "fake_stages.h"
#include "stages/kit/option_table.h"
#include "stages/kit/plan_json.h"

using namespace stream;
using stream::testing::FakeAsker;
using stream::testing::FakeCatalogue;

namespace {

Schema schema(const std::string& columns, const std::vector<std::string>& key = {}, const std::string& time = "") {
  Schema out = *parse_schema(columns);
  for (const std::string& name : key) out.key.push_back(*out.find(name));
  if (!key.empty()) out.changelog = Changelog::kUpdates;
  if (!time.empty()) out.time = out.find(time);
  return out;
}

auto source(Schema out) {
  return [out](const StageQuestion&) { return StageAnswer{.outputs = {{"out", out}}}; };
}

// Passes its input through; `needs` as given.
auto pass(std::vector<std::string> needs = {}, Spread spread = Spread::kAny, std::vector<std::string> by = {}) {
  return [=](const StageQuestion& question) {
    StageAnswer answer;
    AnsweredOutput out{.name = "out", .schema = question.inputs.at(0).schema};
    for (const Field& field : out.schema.fields) out.lineage.push_back({{0, field.name}});
    answer.outputs = {out};
    answer.inputs = {{needs, spread, by}};
    return answer;
  };
}

// count(*) by one column: an updating stream keyed by it.
auto count_by(std::string column) {
  return [column](const StageQuestion& question) {
    StageAnswer answer;
    const Schema& in = question.inputs.at(0).schema;
    AnsweredOutput out{.name = "out",
                       .schema = {{in.fields[*in.find(column)], {"n", kBigint}}, {}, {0}, Changelog::kUpdates}};
    out.lineage = {{{0, column}}, {}};
    answer.outputs = {out};
    answer.inputs = {{{column}, Spread::kHash, {column}}};
    return answer;
  };
}

auto sink(std::vector<std::string> needs, Spread spread = Spread::kAny, std::vector<std::string> by = {}) {
  return [=](const StageQuestion& question) {
    StageAnswer answer;
    answer.inputs.assign(question.inputs.size(), {needs, spread, by});
    return answer;
  };
}

StageSpec stage(const std::string& name, const std::string& run, const std::vector<std::string>& from = {},
                std::uint32_t parallelism = 1) {
  StageSpec spec{.name = name, .run = run};
  for (const std::string& ref : from) {
    const std::size_t dot = ref.find('.');
    spec.from.push_back(
        {.stage = ref.substr(0, dot), .output = dot == std::string::npos ? "out" : ref.substr(dot + 1)});
  }
  spec.parallelism = parallelism;
  spec.parallelism_given = true;
  spec.at = {"m.yaml", 3, 1};
  return spec;
}

struct Planned {
  JobPlan plan;
  std::string problems;
};

Planned plan_of(std::vector<StageSpec> stages, FakeAsker& asker, PlanLimits limits = {}) {
  PipelineSpec pipeline;
  pipeline.name = "p";
  pipeline.folder = "/data";
  pipeline.stages = std::move(stages);
  FakeCatalogue catalogue;
  Problems problems;
  Planned planned{make_plan(std::move(pipeline), catalogue, asker, limits, problems), ""};
  planned.problems = problems.text();
  return planned;
}

std::string columns(const Schema& s) { return join(s.names(), " "); }

}  // namespace

BOOST_AUTO_TEST_SUITE(plan)

BOOST_AUTO_TEST_CASE(only_the_columns_that_are_used_travel) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("ts timestamp, host text, status int, ms int, path text", {}, "ts"));
  asker.answers["errors"] = [](const StageQuestion& q) {
    StageAnswer answer = pass({"status"})(q);
    answer.pushed_filter = "status >= 500";
    return answer;
  };
  asker.answers["count"] = count_by("host");
  asker.answers["out"] = sink({"host", "n"});
  const auto [plan, problems] = plan_of({stage("in", "read-file"), stage("errors", "filter", {"in"}),
                                         stage("count", "aggregate", {"errors"}), stage("out", "print", {"count"})},
                                        asker);
  BOOST_TEST_REQUIRE(problems == "");
  BOOST_TEST(columns(plan.stages[0].outputs[0].schema) == "ts host status");
  BOOST_TEST(columns(plan.edges[0].schema) == "ts host status");
  BOOST_TEST((plan.edges[0].schema.time == 0u));
  BOOST_TEST(columns(plan.stages[1].inputs[0].schema) == "ts host status");
  BOOST_TEST(join(plan.stages[1].not_read, " ") == "ms path");
  BOOST_TEST(columns(plan.edges[1].schema) == "ts host");
  BOOST_TEST(columns(plan.edges[2].schema) == "host n");
  BOOST_TEST(plan.edges[0].filter == "status >= 500");
  BOOST_TEST(plan.edges[1].filter == "");
  BOOST_TEST(asker.asked["errors"].folder == "/data");
}

// An aggregate that may be combined, and tells by its options which part of it is asked.
auto combining(bool asked) {
  return [asked](const StageQuestion& question) {
    const bool partial = question.options.find("partial") != std::string::npos;
    StageAnswer answer = partial ? pass({"host"})(question) : count_by("host")(question);
    if (partial) answer.outputs[0].schema.fields.push_back({"_partial_n", kBigint});
    if (partial) answer.outputs[0].lineage.emplace_back();
    if (!partial) answer.outputs.push_back({"late", question.inputs.at(0).schema, answer.outputs[0].lineage});
    if (!partial) answer.outputs[1].lineage.resize(answer.outputs[1].schema.fields.size());
    if (question.options == "{}") answer.combining = {{{"phase", "partial"}}, {{"phase", "final"}}, {"late"}, asked};
    return answer;
  };
}

Planned combined_plan(std::uint32_t senders, std::uint32_t receivers, const std::string& read = "count",
                      std::uint32_t others = 0, bool asked = true) {
  FakeAsker asker;
  for (const char* name : {"in", "in2"}) asker.answers[name] = source(schema("ts timestamp, host text", {}, "ts"));
  asker.answers["count"] = asker.answers["count-combine"] = combining(asked);
  asker.answers["out"] = sink({});
  std::vector<StageSpec> stages = {stage("in", "read-file", {}, senders)};
  if (others != 0) stages.push_back(stage("in2", "read-file", {}, others));
  stages.push_back(stage("count", "aggregate", {"in"}, receivers));
  if (others != 0) stages.back().from.push_back({.stage = "in2"});
  stages.push_back(stage("out", "print", {read}));
  return plan_of(std::move(stages), asker);
}

BOOST_AUTO_TEST_CASE(a_combining_stage_stands_in_front_of_a_hop_between_instances) {
  const auto [plan, problems] = combined_plan(3, 2);
  BOOST_TEST_REQUIRE(problems == "");
  BOOST_TEST_REQUIRE(plan.stages.size() == 4u);
  BOOST_TEST(plan.pipeline.stages[1].name == "count-combine");
  BOOST_TEST(plan.pipeline.stages[1].run == "aggregate");
  BOOST_TEST(plan.pipeline.stages[1].options == R"({"phase":"partial"})");
  BOOST_TEST(plan.pipeline.stages[2].options == R"({"phase":"final"})");
  BOOST_TEST(plan.pipeline.stages[2].from[0].stage == "count-combine");
  BOOST_TEST(plan.stages[1].parallelism == 3u);
  BOOST_TEST(plan.stages[2].parallelism == 2u);
  BOOST_TEST((plan.order == std::vector<std::size_t>{0, 1, 2, 3}));
  const auto kind = [&, &edges = plan.edges](std::size_t to) {
    return std::ranges::find(edges, to, &PlannedEdge::to)->kind;
  };
  BOOST_TEST((kind(1) == EdgeKind::kForward));
  BOOST_TEST((kind(2) == EdgeKind::kHash));
  BOOST_TEST((plan.warnings.empty()));
  const auto again = plan_from_json(plan_to_json(plan));
  BOOST_TEST_REQUIRE(again.ok());
  BOOST_TEST(plan_to_json(*again) == plan_to_json(plan));
}

BOOST_AUTO_TEST_CASE(where_rows_are_not_combined_although_that_was_asked_the_reason_is_told) {
  const auto warning = [](const Planned& planned) {
    BOOST_TEST(planned.problems == "");
    return planned.plan.warnings.empty() ? "" : planned.plan.warnings[0];
  };
  const std::string no = "m.yaml:3:1: stage 'count': rows are not combined in front of it: ";
  BOOST_TEST(warning(combined_plan(1, 2)) == "");
  BOOST_TEST(warning(combined_plan(2, 1)) == "");
  BOOST_TEST(warning(combined_plan(1, 1)) == no + "one instance sends them to one");
  BOOST_TEST(warning(combined_plan(2, 2, "count.late")) ==
             no + "its output 'late' is read, and gives rows as they were");
  BOOST_TEST(warning(combined_plan(2, 2, "count", 3)) == no + "its inputs differ in parallelism");
  BOOST_TEST(combined_plan(2, 2, "count", 2).plan.stages.size() == 5u);
}

BOOST_AUTO_TEST_CASE(unasked_rows_are_combined_where_many_instances_send_them) {
  BOOST_TEST(combined_plan(3, 1, "count", 0, false).plan.stages.size() == 3u);
  BOOST_TEST(combined_plan(4, 1, "count", 0, false).plan.stages.size() == 4u);
  const Planned late = combined_plan(4, 1, "count.late", 0, false);
  BOOST_TEST(late.plan.stages.size() == 3u);
  BOOST_TEST(late.plan.warnings.empty());
}

BOOST_AUTO_TEST_CASE(an_output_carries_what_any_of_its_readers_needs) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("a int, b text, c text, d text"));
  asker.answers["x"] = sink({"b"});
  asker.answers["y"] = sink({"c"});
  asker.answers["bad"] = sink({"record"});
  const auto [plan, problems] = plan_of({stage("in", "read-file"), stage("x", "print", {"in"}),
                                         stage("y", "print", {"in"}), stage("bad", "write-file", {"in.errors"})},
                                        asker);
  BOOST_TEST_REQUIRE(problems == "");
  BOOST_TEST(columns(plan.stages[0].outputs[0].schema) == "b c");
  BOOST_TEST(columns(plan.edges[0].schema) == "b");
  BOOST_TEST(columns(plan.edges[1].schema) == "c");
  BOOST_TEST(plan.stages[0].outputs[plan.edges[2].output].name == "errors");
  BOOST_TEST(columns(plan.edges[2].schema) == "record");
  BOOST_TEST(columns(plan.stages[0].outputs[1].schema) == "stage reason position record");
}

BOOST_AUTO_TEST_CASE(keys_are_never_pruned_and_one_column_always_stays) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("k text, v int", {"k"}));
  asker.answers["out"] = sink({});
  BOOST_TEST(columns(plan_of({stage("in", "read-file"), stage("out", "print", {"in"})}, asker).plan.edges[0].schema) ==
             "k");
  asker.answers["in"] = source(schema("k text, v int, b boolean"));
  BOOST_TEST(columns(plan_of({stage("in", "read-file"), stage("out", "print", {"in"})}, asker).plan.edges[0].schema) ==
             "b");
}

BOOST_AUTO_TEST_CASE(without_lineage_every_column_is_needed) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("a int, b text"));
  asker.answers["f"] = [](const StageQuestion&) {
    return StageAnswer{.outputs = {{"out", schema("z int")}}, .inputs = {AnsweredInput{}}};
  };
  asker.answers["out"] = sink({"z"});
  const auto planned =
      plan_of({stage("in", "read-file"), stage("f", "filter", {"in"}), stage("out", "print", {"f"})}, asker);
  BOOST_TEST(columns(planned.plan.edges[0].schema) == "a b");
}

BOOST_AUTO_TEST_CASE(merged_inputs_are_one_and_must_agree) {
  FakeAsker asker;
  asker.answers["a"] = source(schema("k int, v text", {"k"}));
  asker.answers["b"] = source(schema("k int, v text"));
  asker.answers["out"] = sink({"v"});
  const std::vector<StageSpec> stages = {stage("a", "read-file"), stage("b", "read-file"),
                                         stage("out", "print", {"a", "b"})};
  const auto planned = plan_of(stages, asker);
  BOOST_TEST_REQUIRE(planned.problems == "");
  BOOST_TEST(planned.plan.stages[2].inputs.size() == 1u);
  BOOST_TEST(columns(planned.plan.edges[0].schema) == "k v");
  BOOST_TEST(columns(planned.plan.edges[1].schema) == "k v");
  BOOST_TEST(asker.asked["out"].inputs[0].schema.key.empty());
  asker.answers["b"] = source(schema("k int, w text"));
  BOOST_TEST(plan_of(stages, asker).problems ==
             "'b' cannot be merged: it has (k bigint, w varchar), and 'a' has (k bigint, v varchar)");
}

BOOST_AUTO_TEST_CASE(edges_are_spread_as_the_reader_demands) {
  struct Case {
    std::uint32_t from, to;
    Spread spread;
    EdgeKind kind;
    std::size_t channels;
  };
  const Case kCases[] = {
      {1, 1, Spread::kAny, EdgeKind::kForward, 1},         {3, 3, Spread::kAny, EdgeKind::kForward, 3},
      {2, 3, Spread::kAny, EdgeKind::kRebalance, 6},       {1, 1, Spread::kHash, EdgeKind::kForward, 1},
      {3, 3, Spread::kHash, EdgeKind::kHash, 9},           {3, 1, Spread::kHash, EdgeKind::kHash, 3},
      {2, 2, Spread::kBroadcast, EdgeKind::kBroadcast, 4}, {1, 1, Spread::kBroadcast, EdgeKind::kForward, 1},
      {2, 3, Spread::kSingle, EdgeKind::kSingle, 2},       {1, 1, Spread::kSingle, EdgeKind::kForward, 1},
  };
  for (const Case& c : kCases) {
    FakeAsker asker;
    asker.answers["in"] = source(schema("a int, b int"));
    asker.answers["out"] =
        sink({"b"}, c.spread, c.spread == Spread::kHash ? std::vector<std::string>{"a"} : std::vector<std::string>{});
    const auto [plan, problems] =
        plan_of({stage("in", "read-file", {}, c.from), stage("out", "print", {"in"}, c.to)}, asker);
    BOOST_TEST_REQUIRE(problems == "");
    BOOST_TEST(edge_kind_name(plan.edges[0].kind) == edge_kind_name(c.kind));
    BOOST_TEST(channels_of(plan).size() == c.channels);
    if (c.spread == Spread::kHash) BOOST_TEST(columns(plan.edges[0].schema) == "a b");
  }
}

BOOST_AUTO_TEST_CASE(channels_are_numbered_by_the_plan_alone) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("a int"));
  asker.answers["f"] = pass();
  asker.answers["out"] = sink({"a"});
  const auto [plan, problems] = plan_of(
      {stage("in", "read-file", {}, 2), stage("f", "filter", {"in"}, 2), stage("out", "print", {"f"}, 1)}, asker);
  BOOST_TEST_REQUIRE(problems == "");
  const std::vector<Channel> channels = channels_of(plan);
  BOOST_TEST_REQUIRE(channels.size() == 4u);
  for (std::uint32_t i = 0; i < 4; ++i) BOOST_TEST(channels[i].id.value() == i);
  BOOST_TEST(channels[1].from_instance == 1u);
  BOOST_TEST(channels[1].to_instance == 1u);
  BOOST_TEST(channels[3].edge == 1u);
  const SocketNeed need = sockets_of(plan);
  BOOST_TEST(need.total == 5u + 8u);
  BOOST_TEST(need.largest == 3u);
}

BOOST_AUTO_TEST_CASE(instances_share_the_memory_of_the_job) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("a int"));
  asker.answers["out"] = sink({"a"});
  auto plan = plan_of({stage("in", "read-file", {}, 3), stage("out", "print", {"in"})}, asker).plan;
  plan.pipeline.stages[1].memory_bytes = 1 << 20;
  const auto memory = [&](std::uint64_t all) {
    plan.pipeline.memory_bytes = all;
    const auto assignments = make_assignments(plan, channels_of(plan), {});
    return std::pair(assignments.front().memory_bytes, assignments.back().memory_bytes);
  };
  BOOST_TEST((memory(0) == std::pair<std::uint64_t, std::uint64_t>(kMemoryDefault, 1U << 20)));
  BOOST_TEST((memory(8 << 20) == std::pair<std::uint64_t, std::uint64_t>(2U << 20, 1U << 20)));
}

BOOST_AUTO_TEST_CASE(the_memory_of_a_job_is_enough_for_its_instances) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("a int"));
  asker.answers["out"] = sink({"a"});
  const auto problems_of = [&](std::uint64_t memory) {
    PipelineSpec pipeline;
    pipeline.stages = {stage("in", "read-file", {}, 3), stage("out", "print", {"in"})};
    pipeline.memory_bytes = memory;
    FakeCatalogue catalogue;
    Problems problems;
    make_plan(std::move(pipeline), catalogue, asker, {}, problems);
    return problems.text();
  };
  BOOST_TEST(problems_of(128 << 20) == "");
  BOOST_TEST(problems_of(127 << 20).find("give at least 128MiB") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(options_of_reading_say_where_they_belong) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("a int"));
  asker.answers["out"] = sink({"a"});
  auto stages = std::vector{stage("in", "read-file"), stage("out", "print", {"in"})};
  for (StageSpec& spec : stages) spec.option_places["schema"] = {{"m.yaml", 3, 9}, 9};
  const auto [plan, problems] = plan_of(std::move(stages), asker);
  BOOST_TEST(problems == "");
  BOOST_TEST(plan.warnings == std::vector<std::string>{"m.yaml:3:9: option 'schema' has no effect behind another "
                                                       "stage; give it to the source"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(changes_of_a_row_are_never_spread_over_instances) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("k text, c text", {"k"}));
  asker.answers["f"] = pass();
  asker.answers["out"] = sink({"k"});
  const auto spread =
      plan_of({stage("in", "read-file"), stage("f", "filter", {"in"}, 2), stage("out", "print", {"f"}, 2)}, asker);
  BOOST_TEST_REQUIRE(spread.problems == "");
  BOOST_TEST(edge_kind_name(spread.plan.edges[0].kind) == "hash");
  BOOST_TEST(spread.plan.edges[0].hash_columns[0] == "k");

  // By another column than the key: fine for what is grouped by it, refused for what is not.
  asker.answers["count"] = count_by("c");
  asker.answers["out"] = sink({"c"});
  const auto grouped = plan_of(
      {stage("in", "read-file"), stage("count", "aggregate", {"in"}, 2), stage("out", "print", {"count"}, 2)}, asker);
  BOOST_TEST(grouped.problems == "");
  asker.answers["f"] = pass({}, Spread::kHash, {"c"});
  const std::string expected =
      "stage 'f' cannot read 'in': its rows may change and have the unique key (k), but 'f' wants "
      "them spread by (c): changes of one row could arrive in either order; set parallelism to 1 "
      "or use that key";
  BOOST_TEST(
      plan_of({stage("in", "read-file"), stage("f", "filter", {"in"}, 2), stage("out", "print", {"f"}, 2)}, asker)
          .problems == "m.yaml:3:1: " + expected);
  asker.answers["out"] = sink({"c"}, Spread::kHash, {"c"});
  BOOST_TEST(plan_of({stage("in", "read-file"), stage("out", "print", {"in"}, 2)}, asker)
                 .problems.find("'out' wants them spread by (c)") != std::string::npos);
  BOOST_TEST(plan_of({stage("in", "read-file"), stage("out", "print", {"in"}, 1)}, asker).problems == "");
}

// Reader of changes that does not look at update-before, or passes it.
auto before_rows(std::function<StageAnswer(const StageQuestion&)> answers, BeforeRows use) {
  return [=](const StageQuestion& question) {
    StageAnswer answer = answers(question);
    for (AnsweredInput& input : answer.inputs) input.update_before = use;
    return answer;
  };
}

BOOST_AUTO_TEST_CASE(what_an_update_replaces_is_told_where_somebody_reads_it) {
  struct Case {
    BeforeRows select;
    BeforeRows sink;
    BeforeRows other;  // a second reader of the count
    Changelog count;
    Changelog selected;
  };
  constexpr auto kFull = Changelog::kUpdates;
  constexpr auto kUpserts = Changelog::kUpserts;
  constexpr auto kRead = BeforeRows::kRead;
  constexpr auto kPassed = BeforeRows::kPassed;
  constexpr auto kUnread = BeforeRows::kUnread;
  const Case cases[] = {
      {kPassed, kUnread, kUnread, kUpserts, kUpserts}, {kPassed, kUnread, kRead, kFull, kUpserts},
      {kPassed, kRead, kUnread, kFull, kFull},         {kRead, kUnread, kUnread, kFull, kUpserts},
      {kUnread, kRead, kUnread, kUpserts, kFull},      {kPassed, kRead, kRead, kFull, kFull},
      {kPassed, kPassed, kUnread, kUpserts, kUpserts},
  };
  for (const Case& c : cases) {
    FakeAsker asker;
    asker.answers["in"] = source(schema("host text, ms int"));
    asker.answers["count"] = count_by("host");
    asker.answers["pick"] = before_rows(pass(), c.select);
    asker.answers["out"] = before_rows(sink({"host", "n"}), c.sink);
    asker.answers["also"] = before_rows(sink({"host", "n"}), c.other);
    const auto [plan, problems] =
        plan_of({stage("in", "read-file"), stage("count", "aggregate", {"in"}), stage("pick", "select", {"count"}),
                 stage("out", "print", {"pick"}), stage("also", "print", {"count"})},
                asker);
    BOOST_TEST_REQUIRE(problems == "");
    BOOST_TEST((plan.stages[1].outputs[0].schema.changelog == c.count));
    BOOST_TEST((plan.stages[2].inputs[0].schema.changelog == c.count));
    BOOST_TEST((plan.stages[4].inputs[0].schema.changelog == c.count));
    BOOST_TEST((plan.stages[2].outputs[0].schema.changelog == c.selected));
    BOOST_TEST((plan.stages[3].inputs[0].schema.changelog == c.selected));
    for (const PlannedEdge& edge : plan.edges) {
      BOOST_TEST((edge.schema.changelog == plan.stages[edge.from].outputs[edge.output].schema.changelog));
    }
    BOOST_TEST((plan.stages[0].outputs[0].schema.changelog == Changelog::kAppend));
  }
}

BOOST_AUTO_TEST_CASE(without_one_unique_key_what_an_update_replaces_is_told) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("host text, ms int"));
  asker.answers["count"] = asker.answers["again"] = count_by("host");
  asker.answers["out"] = before_rows(sink({"host", "n"}), BeforeRows::kUnread);
  const auto merged = plan_of({stage("in", "read-file"), stage("count", "aggregate", {"in"}),
                               stage("again", "aggregate", {"in"}), stage("out", "print", {"count", "again"})},
                              asker);
  BOOST_TEST_REQUIRE(merged.problems == "");
  BOOST_TEST((merged.plan.stages[1].outputs[0].schema.changelog == Changelog::kUpdates));
  BOOST_TEST((merged.plan.stages[3].inputs[0].schema.changelog == Changelog::kUpdates));

  Schema keyless = schema("host text, ms int");
  keyless.changelog = Changelog::kUpdates;
  asker.answers["in"] = source(keyless);
  asker.answers["out"] = before_rows(sink({"host"}), BeforeRows::kUnread);
  const auto [plan, problems] = plan_of({stage("in", "read-file"), stage("out", "print", {"in"})}, asker);
  BOOST_TEST_REQUIRE(problems == "");
  BOOST_TEST((plan.stages[0].outputs[0].schema.changelog == Changelog::kUpdates));
}

BOOST_AUTO_TEST_CASE(errors_of_a_stage_stand_where_the_option_stands) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("status int"));
  asker.answers["f"] = [](const StageQuestion&) {
    StageAnswer answer;
    answer.errors = {{"where", 4, "no column 'statsu'", "did you mean 'status'?"}, {"", 0, "all wrong", ""}};
    return answer;
  };
  StageSpec f = stage("f", "filter", {"in"});
  f.option_places["where"] = {{"m.yaml", 8, 12}, 13};
  BOOST_TEST(plan_of({stage("in", "read-file"), f}, asker).problems ==
             "m.yaml:3:1: stage 'f': all wrong\n"
             "m.yaml:8:17: option 'where': no column 'statsu'; did you mean 'status'?");
}

BOOST_AUTO_TEST_CASE(unknown_outputs_and_impossible_parallelism_are_refused) {
  FakeAsker asker;
  asker.answers["in"] = [](const StageQuestion& q) {
    StageAnswer answer = source(schema("a int"))(q);
    answer.parallelism_max = 1;
    answer.parallelism_why = "there is one of it";
    return answer;
  };
  asker.answers["out"] = sink({"a"});
  BOOST_TEST(plan_of({stage("in", "read-file"), stage("out", "print", {"in.late"})}, asker).problems ==
             "stage 'in' has no output 'late'; it has out, errors");
  BOOST_TEST(plan_of({stage("in", "read-file", {}, 3), stage("out", "print", {"in"})}, asker).problems ==
             "m.yaml:3:1: stage 'in' cannot have parallelism 3: 'read-file' allows 1: there is one of it");
  StageSpec in = stage("in", "read-file", {}, 3);
  in.parallelism_given = false;
  const auto lowered = plan_of({in, stage("out", "print", {"in"}, 3)}, asker);
  BOOST_TEST(lowered.problems == "");
  BOOST_TEST(lowered.plan.stages[0].parallelism == 1u);
  BOOST_TEST(
      plan_of({stage("in", "read-file"), stage("out", "print", {"in"}, 9)}, asker, {.sockets = 5}).problems ==
      "m.yaml:3:1: an instance of 'in' needs 10 sockets, and only 5 are possible here; lower the parallelism or raise "
      "the limit of open files");
}

BOOST_AUTO_TEST_CASE(an_answer_that_contradicts_itself_is_refused) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("a int"));
  const std::vector<StageSpec> stages = {stage("in", "read-file"), stage("out", "print", {"in"})};
  const StageAnswer kAnswers[] = {
      {.inputs = {}},
      {.inputs = {AnsweredInput{{"b"}, Spread::kAny, {}}}},
      {.inputs = {AnsweredInput{{}, Spread::kHash, {"b"}}}},
      {.outputs = {{"out", schema("a int"), {{{0, "b"}}}}}, .inputs = {AnsweredInput{}}},
      {.outputs = {{"out", schema("a int"), {{{1, "a"}}}}}, .inputs = {AnsweredInput{}}},
      {.outputs = {{"out", schema("a int, b int"), {{{0, "a"}}}}}, .inputs = {AnsweredInput{}}},
  };
  for (const StageAnswer& answer : kAnswers) {
    asker.answers["out"] = [answer](const StageQuestion&) { return answer; };
    BOOST_TEST(plan_of(stages, asker).problems.starts_with("m.yaml:3:1: stage 'out': 'print' "));
  }
}

BOOST_AUTO_TEST_CASE(a_plan_reads_back_from_json) {
  FakeAsker asker;
  asker.answers["in"] = source(schema("ts timestamp, host text", {}, "ts"));
  asker.answers["count"] = count_by("host");
  asker.answers["out"] = sink({"host", "n"});
  const auto [plan, problems] = plan_of(
      {stage("in", "read-file"), stage("count", "aggregate", {"in"}, 2), stage("out", "print", {"count"})}, asker);
  BOOST_TEST_REQUIRE(problems == "");
  const std::string text = plan_to_json(plan);
  const auto again = plan_from_json(text);
  BOOST_TEST_REQUIRE(again.ok(), again.status().what());
  BOOST_TEST(plan_to_json(*again) == text);
  BOOST_TEST(!plan_from_json("{}").ok());
  std::string broken = text;
  broken.replace(broken.find("\"from\":0,\"output\":0"), 18, "\"from\":9,\"output\":0");
  BOOST_TEST(!plan_from_json(broken).ok());
}

BOOST_AUTO_TEST_CASE(the_supervisor_reads_what_the_kit_writes) {
  PlanAnswer answer;
  answer.outputs.push_back({"out", schema("a int", {"a"}), {{{0, "a"}}}});
  answer.inputs.push_back({{"a"}, Partition::kHash, {"a"}});
  answer.state.push_back({"t", Distribution::kKeyed, {{"a", kBigint}}, {{"n", kBigint}}});
  answer.exactly_once = false;
  answer.visible = "at once";
  answer.parallelism_max = 3;
  answer.pushed_filter = "a > 1";
  answer.combining = {{{"phase", "partial"}}, {{"phase", "final"}}, {"late"}, true};
  answer.writes = {{"path", "/d/out.db", false}, {"path", "/d/parts", true}};
  answer.cacheable = true;
  answer.inputs[0].update_before = UpdateBefore::kUnread;
  answer.warnings = {"w"};
  answer.errors = {{"where", 2, "m", "h"}};
  const auto read = answer_from_json(plan_answer_to_json(answer));
  BOOST_TEST_REQUIRE(read.ok(), read.status().what());
  const auto back = plan_answer_from_json(answer_to_json(*read));
  BOOST_TEST_REQUIRE(back.ok());
  BOOST_TEST(plan_answer_to_json(*back) == plan_answer_to_json(answer));

  const StageQuestion question{.stage = "s",
                               .options = R"({"where":"x"})",
                               .inputs = {{"in", schema("a int")}},
                               .folder = "/d",
                               .parallelism = 2};
  const auto asked = plan_question_from_json(question_to_json(question));
  BOOST_TEST_REQUIRE(asked.ok());
  BOOST_TEST(asked->options_json == question.options);
  BOOST_TEST((asked->inputs[0].schema == question.inputs[0].schema));
}

BOOST_AUTO_TEST_CASE(both_sides_reserve_the_same_options) {
  std::vector<std::string> kit, supervisor;
  for (const Option& option : common_options())
    kit.emplace_back(std::string(option.name) + " " + std::string(option.fallback));
  for (const OptionInfo& option : reserved_options()) supervisor.push_back(option.name + " " + option.fallback);
  BOOST_TEST(kit == supervisor, boost::test_tools::per_element());
  for (const Option& option : record_options()) BOOST_TEST(reaches_stage(option.name));
  for (const Option& option : placement_options()) BOOST_TEST(!reaches_stage(option.name));
}

BOOST_AUTO_TEST_SUITE_END()
