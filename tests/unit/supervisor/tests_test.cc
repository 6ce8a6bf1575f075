#include <boost/test/unit_test.hpp>

#include "fake_stages.h"
#include "supervisor/instant_text.h"
#include "supervisor/row_match.h"
#include "supervisor/test_pipeline.h"

using namespace stream;
using stream::testing::FakeCatalogue;
using stream::testing::load;

namespace {

const std::string kStages = R"(pipeline: p
stages:
  in: {run: read-file, path: x, time: ts, out-of-order: 5s, format: csv, follow: true}
  big: {run: filter, where: x}
  both: {run: join, from: {l: in, r: big}, on: l.a = r.a, parallelism: 3}
  table: {run: write-sqlite, path: t.db, table: t}
)";

std::string problems_of(const std::string& tests) { return load(kStages + "tests:\n" + tests).problems; }

const Schema kSchema = *parse_schema("k varchar, n bigint, d double, c decimal(10,2), t timestamp, j json");

RowMatch match(const std::vector<std::string>& expected, const std::vector<std::string>& actual, bool ordered = false) {
  return match_rows(kSchema, expected, actual, ordered);
}

bool same(const std::vector<std::string>& expected, const std::vector<std::string>& actual, bool ordered = false) {
  return match(expected, actual, ordered).differences.empty();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tests_of_manifests)

BOOST_AUTO_TEST_CASE(rows_are_read_with_their_types) {
  const auto loaded = load(kStages + R"(tests:
  - name: t
    given:
      in: [{b: x, _op: -D, a: 1.50, c: "1", d: null, e: true, f: [1, {g: h}]}, "raw, text", {watermark: 2026-01-31}]
    expect:
      big: {rows: [{a: 007}], ordered: true}
)");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const PipelineTest& test = loaded.pipelines[0].tests.at(0);
  BOOST_TEST(test.given.at(0).lines.at(0) ==
             R"({"_op":"-D","b":"x","a":1.50,"c":"1","d":null,"e":true,"f":[1,{"g":"h"}]})");
  BOOST_TEST(test.given.at(0).lines.at(1) == R"({"_text":"raw, text"})");
  BOOST_TEST(test.given.at(0).lines.at(2) == R"({"_watermark":"2026-01-31"})");
  BOOST_TEST(test.expect.at(0).lines.at(0) == R"({"a":"007"})");
  BOOST_TEST(test.expect.at(0).ordered);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_has_its_place) {
  const auto one = [](const std::string& given, const std::string& expect) {
    return problems_of("  - {name: t, given: {" + given + "}, expect: {" + expect + "}}\n");
  };
  BOOST_TEST(one("im: []", "big: []") == "m.yaml:8:23: no stage 'im'; did you mean 'in'?");
  BOOST_TEST(one("in: []", "bog: []") == "m.yaml:8:41: no stage 'bog'; did you mean 'big'?");
  BOOST_TEST(one("table: []", "big: []") == "m.yaml:8:23: 'table' is a sink: give rows to what it reads");
  BOOST_TEST(one("both.x: []", "both: []").starts_with("m.yaml:8:23: stage 'both' has no input 'x'"));
  BOOST_TEST(one("big.x: []", "both: []") == "m.yaml:8:23: stage 'big' has no input 'x'; give 'big' its rows");
  BOOST_TEST(one("in: {row: []}", "big: []").find("'in' has no key 'row'; did you mean 'rows'?") != std::string::npos);
  BOOST_TEST(one("in: [{watermark: noon}]", "big: []").find("a watermark is a time") != std::string::npos);
  BOOST_TEST(one("in: []", "big: [text]") == "m.yaml:8:47: a row must be a map from column to value, not a text");
  BOOST_TEST(problems_of("  - {name: t, given: {in: []}}\n") ==
             "m.yaml:8:5: test 't' expects nothing; name a stage under 'expect'");
  BOOST_TEST(problems_of("  - {expect: {big: []}}\n") == "m.yaml:8:5: a test needs a 'name'");
  BOOST_TEST(problems_of("  - {name: t, expect: {big: []}}\n  - {name: t, expect: {big: []}}\n") ==
             "m.yaml:9:5: test 't' stands twice");
}

BOOST_AUTO_TEST_CASE(sources_and_sinks_are_replaced) {
  const auto loaded = load(kStages + R"(savepoints: {every: 1s}
tests:
  - name: t
    given: {in: [{a: 1}], both.r: {rows: [{a: 2}], schema: a bigint}}
    expect: {table: [{a: 1}], in.errors: []}
)");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  FakeCatalogue catalogue;
  Problems problems;
  const PipelineSpec& pipeline = loaded.pipelines[0];
  const TestPipeline made = make_test_pipeline(pipeline, pipeline.tests[0], "/t", catalogue, problems);
  BOOST_TEST_REQUIRE(problems.text() == "");
  std::vector<std::string> names;
  for (const StageSpec& stage : made.spec.stages) names.push_back(stage.name + "=" + stage.run);
  const std::vector<std::string> wanted = {"in=replay", "_given/both-r=replay", "both=join", "_kept/0=write-file",
                                           "_kept/1=write-file"};
  BOOST_TEST(names == wanted, boost::test_tools::per_element());
  BOOST_TEST(made.spec.find("both")->from.at(0).stage == "in");
  BOOST_TEST(made.spec.find("both")->from.at(1).stage == "_given/both-r");
  BOOST_TEST(made.spec.find("both")->parallelism == 1u);
  BOOST_TEST(made.spec.find("_kept/0")->from.at(0).stage == "both");
  BOOST_TEST(made.spec.find("_kept/1")->from.at(0).output == "errors");
  BOOST_TEST(made.spec.find("_given/both-r")->options == R"({"path":"/t/given-both-r.ndjson","schema":"a bigint"})");
  BOOST_TEST(made.files.at("given-in.ndjson") == "{\"a\":1}\n");
  BOOST_TEST((made.spec.savepoints == SavepointRules()));  // a test leaves nothing behind
}

BOOST_AUTO_TEST_CASE(a_source_without_rows_and_rows_without_use_are_refused) {
  FakeCatalogue catalogue;
  const auto problems_with = [&](const std::string& given, const std::string& expect) {
    const auto loaded = load(kStages + "tests:\n  - {name: t, given: {" + given + "}, expect: {" + expect + "}}\n");
    Problems problems;
    make_test_pipeline(loaded.pipelines[0], loaded.pipelines[0].tests[0], "/t", catalogue, problems);
    return problems.text();
  };
  BOOST_TEST(
      problems_with("both.l: []", "both: []").starts_with("m.yaml:8:5: test 't' gives no rows to the source 'in'"));
  BOOST_TEST(problems_with("in: [], both.l: []", "big: []")
                 .starts_with("m.yaml:8:31: test 't' expects nothing that is made of these rows"));
}

BOOST_AUTO_TEST_CASE(values_are_compared_by_type) {
  BOOST_TEST(same({R"({"c":10.5,"t":"2026-01-31 12:00+01:00","n":3,"d":0.3})"},
                  {R"({"k":"x","n":3,"d":0.30000000000000004,"c":"10.50","t":"2026-01-31T11:00:00Z"})"}));
  BOOST_TEST(same({R"({"k":7,"j":{"a":[1]}})"}, {R"({"k":"7","j":{"a":[1]}})"}));
  BOOST_TEST(!same({R"({"n":3})"}, {R"({"n":4})"}));
  BOOST_TEST(!same({R"({"n":null})"}, {R"({"n":0})"}));
  BOOST_TEST(!same({R"({"t":"2026-01-31T11:00:00Z"})"}, {R"({"t":"2026-01-31T11:00:00.000001Z"})"}));
  BOOST_TEST(instant_of("1970-01-01T00:00:01.5Z").value() == 1'500'000);
  BOOST_TEST(!instant_of("noon"));
}

BOOST_AUTO_TEST_CASE(rows_are_a_set_unless_they_are_ordered) {
  const std::vector<std::string> forth = {R"({"n":1})", R"({"n":2})"};
  const std::vector<std::string> back = {R"({"n":2})", R"({"n":1})"};
  BOOST_TEST(same(forth, back));
  BOOST_TEST(!same(forth, back, true));
  BOOST_TEST(same(forth, forth, true));
  BOOST_TEST(!same({R"({"n":1})"}, {R"({"n":1})", R"({"n":1})"}));
  // What says less does not take the row of what says more.
  BOOST_TEST(same({R"({"n":1})", R"({"n":1,"k":"a"})"}, {R"({"n":1,"k":"a"})", R"({"n":1,"k":"b"})"}));
}

BOOST_AUTO_TEST_CASE(changes_are_made_unless_they_are_expected) {
  const std::vector<std::string> changes = {R"({"_op":"+I","k":"a","n":1})", R"({"_op":"-U","k":"a","n":1})",
                                            R"({"_op":"+U","k":"a","n":2})", R"({"_op":"+I","k":"b","n":9})",
                                            R"({"_op":"-D","k":"b","n":9})"};
  BOOST_TEST(same({R"({"k":"a","n":2})"}, changes));
  BOOST_TEST(!same({R"({"k":"a","n":1})"}, changes));
  BOOST_TEST(same(changes, changes, true));
}

BOOST_AUTO_TEST_CASE(the_nearest_rows_stand_together) {
  const RowMatch found = match({R"({"k":"a","n":1,"d":1.0})", R"({"k":"z","n":5,"d":2.0})"},
                               {R"({"k":"q","n":7,"d":9.0})", R"({"k":"a","n":2,"d":1.0})"});
  BOOST_TEST_REQUIRE(found.differences.size() == 3u);
  BOOST_TEST((found.differences[0].kind == RowDifference::Kind::kChanged));
  BOOST_TEST(found.differences[0].columns == std::vector<std::string>{"n"});
  BOOST_TEST((found.differences[1].kind == RowDifference::Kind::kMissing));
  BOOST_TEST((found.differences[2].kind == RowDifference::Kind::kUnexpected));
  BOOST_TEST(unknown_columns(kSchema, {R"({"n":1})", R"({"m":1,"n":2})"}).at(0).second == "m");
}

BOOST_AUTO_TEST_SUITE_END()
