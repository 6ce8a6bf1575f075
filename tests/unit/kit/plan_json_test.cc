#include "stages/kit/plan_json.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "sample_program.h"

using namespace stream;
using stream::testing::kSample;

namespace {

const std::string kRequest = R"({"protocol": 1, "stage": "errors", "parallelism": 2, "folder": "/data",
  "options": {"where": "status >= 500"},
  "inputs": [{"name": "requests", "schema": {"fields": [{"name": "host", "type": "VARCHAR"},
    {"name": "ts", "type": "TIMESTAMP"}], "time": "ts", "key": ["host"], "changelog": "updates"}}]})";

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_json)

BOOST_AUTO_TEST_CASE(a_request_is_answered_by_the_stage) {
  const auto text = run_plan(kSample, kRequest);
  BOOST_TEST_REQUIRE(text.ok(), text.status().what());
  const auto answer = plan_answer_from_json(*text);
  BOOST_TEST_REQUIRE(answer.ok(), answer.status().what());
  BOOST_TEST(answer->errors.empty());
  BOOST_TEST_REQUIRE(answer->outputs.size() == 1u);
  BOOST_TEST((answer->outputs[0].schema.time == 1u));
  BOOST_TEST((answer->outputs[0].schema.changelog == Changelog::kUpdates));
  BOOST_TEST(answer->outputs[0].lineage[1][0].column == "ts");
  BOOST_TEST((answer->inputs[0].partition == Partition::kHash));
  BOOST_TEST(answer->inputs[0].partition_columns[0] == "host");
  BOOST_TEST(answer->state[0].value[0].name == "n");
  BOOST_TEST(!answer->exactly_once);
  BOOST_TEST(answer->visible == "at once");
  BOOST_TEST(answer->parallelism_max == 3u);
  BOOST_TEST(answer->parallelism_why == "two and one");
  BOOST_TEST(*answer->pushed_filter == "status >= 500");
  BOOST_TEST(answer->warnings[0] == "in /data");
  BOOST_TEST(plan_answer_to_json(*answer) + "\n" == *text);
}

BOOST_AUTO_TEST_CASE(what_becomes_of_update_before_is_said) {
  for (const UpdateBefore use : {UpdateBefore::kRead, UpdateBefore::kPassed, UpdateBefore::kUnread}) {
    PlanAnswer answer;
    answer.inputs.emplace_back().update_before = use;
    const auto read = plan_answer_from_json(plan_answer_to_json(answer));
    BOOST_TEST_REQUIRE(read.ok(), read.status().what());
    BOOST_TEST((read->inputs[0].update_before == use));
  }
  BOOST_TEST(!plan_answer_from_json(R"({"protocol": 1, "inputs": [{"partition": "any", "update_before": "x"}]})").ok());
}

BOOST_AUTO_TEST_CASE(wrong_options_are_an_answer) {
  const auto answer = plan_answer_from_json(*run_plan(kSample, R"({"protocol": 1, "options": {"limit": "x"}})"));
  BOOST_TEST_REQUIRE(answer.ok());
  BOOST_TEST_REQUIRE(answer->errors.size() == 2u);
  BOOST_TEST(answer->errors[0].option == "limit");
  BOOST_TEST(answer->errors[0].message == "'x' is not an integer");
  BOOST_TEST(answer->errors[1].option == "where");
}

BOOST_AUTO_TEST_CASE(an_error_of_the_stage_keeps_its_position) {
  const auto answer = plan_answer_from_json(*run_plan(kSample, R"({"protocol": 1, "options": {"where": "x"}})"));
  BOOST_TEST_REQUIRE(answer.ok());
  BOOST_TEST(answer->errors.at(0).offset == 3u);
  BOOST_TEST(answer->errors.at(0).hint == "did you mean 'status'?");
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_refused) {
  for (const char* bad : {"", "[]", "{}", R"({"protocol": 2})", R"({"protocol": 1, "inputs": [1]})",
                          R"({"protocol": 1, "inputs": [{"name": "a", "schema": 1}]})"}) {
    const auto answer = run_plan(kSample, bad);
    BOOST_TEST_REQUIRE(!answer.ok(), bad);
    BOOST_TEST((answer.status().code() == Code::kUsage));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_is_refused) {
  for (const char* bad :
       {"", "{}", R"({"protocol": 1, "outputs": [1]})", R"({"protocol": 1, "inputs": [{"partition": "some"}]})",
        R"({"protocol": 1, "outputs": [{"name": "out", "schema": {"fields": []}, "lineage": [[1]]}]})",
        R"({"protocol": 1, "state": [{"name": "t", "distribution": "round"}]})"}) {
    BOOST_TEST(!plan_answer_from_json(bad).ok(), bad);
  }
}

BOOST_AUTO_TEST_CASE(standard_input_is_asked_for_given_and_kept) {
  const auto question =
      plan_question_from_json(R"({"protocol": 1, "sample": {"text": "a\n", "complete": false, "exhausted": true}})");
  BOOST_TEST_REQUIRE(question.ok(), question.status().what());
  BOOST_TEST_REQUIRE(question->sample.has_value());
  BOOST_TEST(question->sample->bytes == "a\n");
  BOOST_TEST(!question->sample->complete);
  BOOST_TEST(question->sample->exhausted);
  BOOST_TEST(!plan_question_from_json(kRequest)->sample.has_value());
  PlanAnswer answer;
  answer.reads_stdin = true;
  answer.sample_bytes = 1000;
  answer.fixed = {{"schema", "a bigint"}};
  const auto again = plan_answer_from_json(plan_answer_to_json(answer));
  BOOST_TEST_REQUIRE(again.ok(), again.status().what());
  BOOST_TEST(again->reads_stdin);
  BOOST_TEST(again->sample_bytes == 1000u);
  BOOST_TEST((again->fixed == answer.fixed));
}

BOOST_AUTO_TEST_SUITE_END()
