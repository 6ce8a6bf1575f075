#include "supervisor/pipeline_text.h"

#include <boost/test/unit_test.hpp>

#include "fake_stages.h"

using namespace stream;
using stream::testing::FakeCatalogue;

namespace {

struct Parsed {
  PipelineSpec pipeline;
  std::string problems;
};

Parsed parse(const std::string& text, const std::string& name = "") {
  FakeCatalogue catalogue;
  Problems problems;
  Parsed parsed;
  parsed.pipeline = parse_pipeline(text, name, "/here", catalogue, problems);
  parsed.problems = problems.text();
  return parsed;
}

std::vector<std::string> words(const std::string& text) {
  Problems problems;
  std::vector<std::string> out;
  for (const auto& stage : split_pipeline(text, problems)) {
    for (const Word& word : stage) out.push_back(word.text);
    out.push_back("|");
  }
  out.pop_back();
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pipeline_text)

BOOST_AUTO_TEST_CASE(words_follow_posix_quoting_without_expansion) {
  BOOST_TEST(words(R"(a 'b c' "d \"e\" $x" f\ g h'i'"j" | 'it''s' '' "a|b")") ==
                 (std::vector<std::string>{"a", "b c", "d \"e\" $x", "f g", "hij", "|", "it's", "", "a|b"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_line_becomes_a_pipeline) {
  const auto parsed = parse(
      "read-file access.ndjson --follow | filter 'status >= 500' | filter x --parallelism=2 |\n"
      "aggregate --by host,path 'count(*) as n' --time ts | write-sqlite e.db --table e");
  BOOST_TEST_REQUIRE(parsed.problems == "");
  const auto& stages = parsed.pipeline.stages;
  BOOST_TEST_REQUIRE(stages.size() == 5u);
  BOOST_TEST(stages[0].options == R"({"path":"access.ndjson","follow":"true"})");
  BOOST_TEST(stages[1].options == R"({"where":"status >= 500"})");
  BOOST_TEST(stages[2].name == "filter-2");
  BOOST_TEST(stages[2].parallelism == 2u);
  BOOST_TEST(stages[2].from[0].stage == "filter");
  BOOST_TEST(stages[3].options == R"j({"by":"host,path","compute":"count(*) as n","time":"ts"})j");
  BOOST_TEST(parsed.pipeline.name.starts_with("adhoc-"));
  BOOST_TEST(parsed.pipeline.name.size() == 14u);
  BOOST_TEST(parsed.pipeline.ad_hoc);
  BOOST_TEST(!parse("read-file x", "mine").pipeline.ad_hoc);
}

BOOST_AUTO_TEST_CASE(missing_ends_are_standard_input_and_output) {
  const auto parsed = parse("filter x");
  BOOST_TEST_REQUIRE(parsed.problems == "");
  BOOST_TEST_REQUIRE(parsed.pipeline.stages.size() == 3u);
  BOOST_TEST(parsed.pipeline.stages[0].run == "read-file");
  BOOST_TEST(parsed.pipeline.stages[0].options == R"({"path":"-"})");
  BOOST_TEST(parsed.pipeline.stages[2].options == R"({"format":"ndjson"})");
  BOOST_TEST(parsed.pipeline.stages[2].from[0].stage == "filter");
}

BOOST_AUTO_TEST_CASE(repeated_options_are_lists) {
  const auto parsed = parse("read-kafka --topics a --topics b,c --hook x --hook y,z | print");
  BOOST_TEST_REQUIRE(parsed.problems == "");
  BOOST_TEST(parsed.pipeline.stages[0].options == R"({"topics":"a,b,c","hook":["x","y,z"]})");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_its_column) {
  const std::pair<std::string, std::string> kCases[] = {
      {"", "pipeline:1:1: a stage is missing at the end"},
      {"read-file x |", "pipeline:1:14: a stage is missing at the end"},
      {"read-file x | | print", "pipeline:1:15: a stage is missing before '|'"},
      {"read-file 'x", "pipeline:1:11: this quote is not closed"},
      {"read-file \"x", "pipeline:1:11: this quote is not closed"},
      {"read-file x | fliter y", "pipeline:1:15: there is no stage program 'fliter'; did you mean 'filter'?"},
      {"read-file x | filter status >= 500",
       "pipeline:1:29: unexpected argument '>='; a value with blanks must be quoted\n"
       "pipeline:1:32: unexpected argument '500'; a value with blanks must be quoted"},
      {"read-file x --folow", "pipeline:1:13: 'read-file' has no option '--folow'; did you mean 'follow'?"},
      {"read-file x --from y",
       "pipeline:1:13: 'read-file' has no option '--from'; did you mean 'from'?\n"
       "pipeline:1:20: unexpected argument 'y'; a value with blanks must be quoted"},
      {"read-file x --time", "pipeline:1:13: option '--time' needs a value"},
      {"read-file x --time a --time b", "pipeline:1:29: option '--time' is given twice"},
      {"read-file", "pipeline:1:1: 'read-file' needs X"},
      {"read-file x | read-file y", "pipeline:1:15: 'read-file' is a source and can only be the first"},
      {"read-file x | print | filter y", "pipeline:1:23: 'print' is a sink and can only be the last"},
      {"read-file x | join", "pipeline:1:15: 'join' has several inputs: write a manifest"},
      {"read-file x | write-http --token hunter2",
       "pipeline:1:34: option '--token': a secret is never written out; give env:NAME, file:PATH or credential:NAME"},
      {"read-file x --parallelism 0", "pipeline:1:27: '0' is not a number from 1 to 1024"},
  };
  for (const auto& [text, expected] : kCases)
    BOOST_TEST(parse(text).problems == expected, text << "\n" << parse(text).problems);
}

BOOST_AUTO_TEST_SUITE_END()
