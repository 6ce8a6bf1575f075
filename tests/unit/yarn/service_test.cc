#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "supervisor/yarn/service.h"

namespace stream::yarn {
namespace {

using nlohmann::json;

BOOST_AUTO_TEST_SUITE(yarn)

Deployed simple() {
  return {.job = "counts",
          .cpus = 3,
          .memory_bytes = 1'500'000'000,
          .program = "/usr/bin/stream",
          .run = {"run", "/data/my counts.yaml"},
          .folder = "/data",
          .leaders = "/shared/.ha"};
}

json component_of(const Deployed& deployed) { return json::parse(service(deployed)).at("components").at(0); }

std::string script_of(const Deployed& deployed) {
  return component_of(deployed).at("configuration").at("files").at(0).at("properties").at("content");
}

BOOST_AUTO_TEST_CASE(it_is_one_container_that_is_started_again) {
  const json said = json::parse(service(simple()));
  BOOST_TEST(said.at("name") == "stream-counts");
  BOOST_TEST(said.at("lifetime") == -1);
  BOOST_TEST(said.at("components").size() == 1);
  const json component = component_of(simple());
  BOOST_TEST(component.at("number_of_containers") == 1);
  BOOST_TEST(component.at("restart_policy") == "ON_FAILURE");
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_is_rounded_up) {
  const json resource = component_of(simple()).at("resource");
  BOOST_TEST(resource.at("cpus") == 3);
  BOOST_TEST(resource.at("memory") == "1431");
}

BOOST_AUTO_TEST_CASE(a_queue_is_named_where_one_is_given) {
  BOOST_TEST(!json::parse(service(simple())).contains("queue"));
  Deployed deployed = simple();
  deployed.queue = "root.lab";
  BOOST_TEST(json::parse(service(deployed)).at("queue") == "root.lab");
}

BOOST_AUTO_TEST_CASE(programs_may_come_with_it) {
  BOOST_TEST(!component_of(simple()).contains("artifact"));
  Deployed deployed = simple();
  deployed.archive = "hdfs:///apps/stream.tar.gz";
  deployed.program = "bin/stream";
  const json artifact = {{"id", "hdfs:///apps/stream.tar.gz"}, {"type", "TARBALL"}};
  BOOST_TEST(component_of(deployed).at("artifact") == artifact);
  BOOST_TEST(script_of(deployed).find("  \"$programs\"/bin/stream run '") != std::string::npos, script_of(deployed));
}

BOOST_AUTO_TEST_CASE(words_are_the_shell_s_as_they_are) {
  Deployed deployed = simple();
  deployed.run.emplace_back("it's $HOME");
  const std::string text = script_of(deployed);
  BOOST_TEST(text.find("/usr/bin/stream run '/data/my counts.yaml' 'it'\\''s $HOME' &\n") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(what_yarn_would_refuse_or_change_is_refused) {
  BOOST_TEST(check(simple()).ok());
  for (const std::string& job :
       {std::string("counts-"), std::string("Counts"), std::string("a_b"), std::string(57, 'a')}) {
    Deployed deployed = simple();
    deployed.job = job;
    BOOST_TEST((check(deployed).code() == Code::kUsage), job);
  }
  Deployed word = simple();
  word.run.emplace_back("a=${USER}");
  BOOST_TEST((check(word).code() == Code::kUsage));
  Deployed path = simple();
  path.leaders = "/home/${USER}/.ha";
  BOOST_TEST((check(path).code() == Code::kUsage));
}

BOOST_AUTO_TEST_CASE(answers_are_read) {
  const Answer made = answer_of(
      R"({"uri":"/v1/services/stream-far","diagnostics":"Application ID: application_17_0001","state":"ACCEPTED"})");
  BOOST_TEST(made.id == "application_17_0001");
  BOOST_TEST(made.state == "ACCEPTED");
  BOOST_TEST(made.reason.empty());
  BOOST_TEST(answer_of(R"({"name":"x","id":"application_17_0002","state":"STARTED"})").id == "application_17_0002");
  BOOST_TEST(answer_of(R"({"diagnostics":"Service name\nis taken."})").reason == "Service name is taken.");
  for (const char* other : {"", "<html>", "[]", "3", R"({"state":4})"}) {
    const Answer answer = answer_of(other);
    BOOST_TEST((answer.state + answer.id + answer.reason).empty(), other);
  }
}

BOOST_AUTO_TEST_CASE(only_some_states_are_ends) {
  for (const char* state : {"ACCEPTED", "STARTED", "STABLE", "FLEX", "UPGRADING"}) BOOST_TEST(is_live(state), state);
  for (const char* state : {"", "STOPPED", "FAILED", "SUCCEEDED"}) BOOST_TEST(!is_live(state), state);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::yarn
