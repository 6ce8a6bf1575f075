#include <boost/test/unit_test.hpp>

#include "sample_program.h"
#include "stages/kit/option_json.h"
#include "stages/kit/option_parse.h"
#include "stages/kit/option_table.h"
#include "stages/kit/option_window.h"

using namespace stream;
using stream::testing::kSample;

namespace {

Result<Values> parse(const std::vector<std::string>& args) { return parse_command_line(kSample, args); }

std::string error_of(const Result<Values>& result) {
  if (result.ok()) return "no error";
  BOOST_TEST((result.status().code() == Code::kUsage));
  return result.status().what();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(every_kind_is_read_from_the_command_line) {
  const auto values = parse({"status >= 500",
                             "--by",
                             "host,\"odd, name\"",
                             "--compute",
                             "count(*) as n, max(a)",
                             "--window",
                             "hop 5m every 1m",
                             "--lateness=1h",
                             "--limit",
                             "-3",
                             "--ratio",
                             "0.5",
                             "--buffer",
                             "1MiB",
                             "--if-exists",
                             "append",
                             "--path",
                             "a,b",
                             "--path",
                             "c",
                             "--token",
                             "env:T",
                             "--follow",
                             "--topics",
                             "x, y",
                             "--topics",
                             "z",
                             "--format",
                             "own",
                             "--time",
                             "ts",
                             "--out-of-order",
                             "5s",
                             "--in",
                             "ipc:///a",
                             "--in",
                             "ipc:///b"});
  BOOST_TEST_REQUIRE(values.ok(), values.status().what());
  BOOST_TEST(values->text("where") == "status >= 500");
  BOOST_TEST((values->list("by") == std::vector<std::string>{"host", "odd, name"}));
  BOOST_TEST((values->select("compute") == std::vector<SelectItem>{{"", "count(*) as n, max(a)"}}));
  BOOST_TEST(values->duration("lateness") == 3'600'000'000);
  BOOST_TEST(values->integer("limit") == -3);
  BOOST_TEST(values->number("ratio") == 0.5);
  BOOST_TEST(values->size("buffer") == 1u << 20);
  BOOST_TEST((values->list("path") == std::vector<std::string>{"a,b", "c"}));
  BOOST_TEST((values->list("topics") == std::vector<std::string>{"x", "y", "z"}));
  BOOST_TEST(values->flag("follow"));
  BOOST_TEST(values->text("format") == "own");
  BOOST_TEST(values->duration("out-of-order") == 5'000'000);
  BOOST_TEST(values->list("in").size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_absent_has_its_fallback_or_is_empty) {
  const auto values = parse({"x"});
  BOOST_TEST_REQUIRE(values.ok());
  BOOST_TEST(values->text("if-exists") == "fail");
  BOOST_TEST(values->duration("connect-timeout") == 30'000'000);
  BOOST_TEST(!values->has("window"));
  BOOST_TEST(values->text("window").empty());
  BOOST_TEST(!values->flag("follow"));
  BOOST_TEST(values->list("by").empty());
  BOOST_TEST(values->select("compute").empty());
}

BOOST_AUTO_TEST_CASE(the_positional_is_an_option_too_and_may_start_with_a_dash) {
  BOOST_TEST(parse({"--where", "-x > 1"})->text("where") == "-x > 1");
  BOOST_TEST(parse({"--where=-x > 1"})->text("where") == "-x > 1");
  BOOST_TEST(parse({"--", "-x > 1"})->text("where") == "-x > 1");
  BOOST_TEST(parse({"[a]"})->text("where") == "[a]");
  BOOST_TEST(parse({"--follow", "-"})->text("where") == "-");
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_is_one_line_that_names_the_option) {
  const std::pair<std::vector<std::string>, std::string> kCases[] = {
      {{"--wher", "x"}, "unknown option '--wher'; did you mean '--where'?"},
      {{"x", "--folow=1"}, "unknown option '--folow'; did you mean '--follow'?"},
      {{"x", "--contro", "e"}, "unknown option '--contro'"},
      {{"a", ">", "1"}, "unexpected argument '>'; a value with blanks must be quoted as one argument"},
      {{"x", "--lateness"}, "option '--lateness' needs a value"},
      {{"x", "--lateness", "5"}, "option '--lateness': '5' is not a duration; write one like 100ms, 5s or 1m30s"},
      {{"x", "--lateness", "5s", "--lateness", "6s"}, "option '--lateness': one value is expected, not 2"},
      {{"x", "--where", "y"}, "option '--where': one value is expected, not 2"},
      {{"x", "--limit", "3.5"}, "option '--limit': '3.5' is not an integer"},
      {{"x", "--ratio", "much"}, "option '--ratio': 'much' is not a number"},
      {{"x", "--if-exists", "apend"},
       "option '--if-exists': 'apend' is not one of append, replace, fail; did you mean 'append'?"},
      {{"x", "--token", "hunter2"},
       "option '--token': a secret is never written out; give env:NAME, file:PATH or credential:NAME"},
      {{"x", "--window", "hop 5m"},
       "option '--window': 'hop 5m' is not a window; write tumble 1m, hop 5m every 1m, session 30m, cumulate "
       "1d every 1h or count 100"},
      {{"x", "--window", "5m"}, "option '--window': '5m' is not a window; write tumble 5m"},
      {{"x", "--window", "tumbel 1m"}, "option '--window': 'tumbel 1m' is not a window; did you mean 'tumble'?"},
      {{"x", "--schema", "a nonsense"}, "option '--schema': unknown type 'nonsense'"},
      {{"x", "--follow", "--follow"}, "option '--follow': given 2 times"},
      {{" "}, "option '--where': the value is empty"},
      {{}, "argument EXPR is missing; see --help"},
      {{"x", "--completion", "tcsh"}, "option '--completion': 'tcsh' is not one of bash, zsh, fish"},
  };
  for (const auto& [args, message] : kCases) BOOST_TEST(error_of(parse(args)) == message);
}

BOOST_AUTO_TEST_CASE(nothing_is_required_of_a_process_that_only_answers) {
  BOOST_TEST(answer_asked(*parse({"--help"})) == "help");
  BOOST_TEST(answer_asked(*parse({"--completion", "zsh"})) == "completion");
  BOOST_TEST(answer_asked(*parse({"--control", "ipc:///c"})) == "");
}

BOOST_AUTO_TEST_CASE(json_values_are_scalars_lists_and_maps) {
  const auto values = values_from_json(kSample.options, R"json({"where": true, "by": ["host", "odd, name"],
    "compute": {"n": "count(*)", "m": 1}, "limit": 3, "follow": true, "path": "p", "topics": "x,y", "idle": "1h"})json");
  BOOST_TEST_REQUIRE(values.ok(), values.status().what());
  BOOST_TEST(values->text("where") == "true");
  BOOST_TEST((values->list("by") == std::vector<std::string>{"host", "odd, name"}));
  BOOST_TEST((values->select("compute") == std::vector<SelectItem>{{"n", "count(*)"}, {"m", "1"}}));
  BOOST_TEST(values->flag("follow"));
  BOOST_TEST(values->list("topics").size() == 2u);
  BOOST_TEST(values->duration("idle") == 3'600'000'000);
  BOOST_TEST(values->text("if-exists") == "fail");
}

BOOST_AUTO_TEST_CASE(json_values_read_back_as_they_were) {
  const auto values = values_from_json(kSample.options, R"json({"where": "a", "by": ["odd, \"name"],
    "compute": ["a, b", {"n": "count(*)"}], "follow": false, "topics": ["x,y"]})json");
  BOOST_TEST_REQUIRE(values.ok());
  const auto again = values_from_json(kSample.options, values_to_json(*values));
  BOOST_TEST_REQUIRE(again.ok(), again.status().what());
  BOOST_TEST((again->all() == values->all()));
}

BOOST_AUTO_TEST_CASE(wrong_json_values_are_all_named) {
  std::vector<OptionError> errors;
  check_values(kSample.options,
               R"({"wher": 1, "by": {"a": "b"}, "limit": [1, 2], "ratio": null, "token": "hunter2", "in": "x"})",
               &errors);
  std::vector<std::string> lines;
  for (const OptionError& error : errors) lines.push_back(error.option + ": " + error.message);
  const std::vector<std::string> expected = {
      "wher: there is no such option; did you mean 'where'?",
      "by: a map is not expected here",
      "limit: one value is expected, not 2",
      "ratio: a text, a number, true or false is expected",
      "token: a secret is never written out; give env:NAME, file:PATH or credential:NAME",
      "in: there is no such option",
      "where: a value is required",
  };
  BOOST_TEST(lines == expected, boost::test_tools::per_element());
  BOOST_TEST(values_from_json(kSample.options, "[]").status().what() == "the options are not a JSON object");
  BOOST_TEST(values_from_json(kSample.options, R"({"where": ""})").status().what() ==
             "option 'where': the value is empty");
}

BOOST_AUTO_TEST_CASE(windows_have_five_forms) {
  BOOST_TEST(parse_window("tumble 1m")->size == 60'000'000);
  BOOST_TEST(parse_window(" hop 5m  every 1m")->step == 60'000'000);
  BOOST_TEST((parse_window("session 30m")->kind == WindowSpec::Kind::kSession));
  BOOST_TEST(parse_window("cumulate 1d every 1h")->size == 86'400'000'000);
  BOOST_TEST(parse_window("count 100")->count == 100u);
  for (const char* bad : {"", "tumble", "tumble 1", "tumble 0s", "tumble 1m every 1s", "hop 5m", "hop 5m each 1m",
                          "hop 5m every 6m", "cumulate 5m every 2m", "count 0", "count x", "slide 1m"}) {
    BOOST_TEST(!parse_window(bad).ok(), bad);
  }
}

BOOST_AUTO_TEST_CASE(a_table_has_each_name_once) {
  std::vector<std::string> names;
  for (const Option& option : common_options()) names.emplace_back(option.name);
  const std::vector<std::string> expected = {"time",  "out-of-order", "idle",        "schema", "on-error",
                                             "run",   "from",         "parallelism", "memory", "log",
                                             "hosts", "near",         "place"};
  BOOST_TEST(names == expected, boost::test_tools::per_element());
  const std::vector<Option> all = command_line_options(kSample.options);
  BOOST_TEST(std::ranges::count(all, "format", &Option::name) == 1);
  BOOST_TEST((find_option(all, "format")->kind == OptionKind::kText));
}

BOOST_AUTO_TEST_SUITE_END()
