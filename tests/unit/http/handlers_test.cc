#include <boost/test/unit_test.hpp>
#include <regex>

#include "supervisor/http/facts.h"
#include "supervisor/http/openapi.h"
#include "supervisor/http/shapes.h"
#include "tests/unit/http/fakes.h"

using namespace stream;
using namespace stream::http;

namespace {

struct Desk {
  FakeJobs jobs;
  FakeChanges changes;
  Operations operations;
  Site site{.host = "here", .address = "127.0.0.1:8081", .now_ms = 10'000};

  Answer send(const char* method, const std::string& target, const std::string& body = "") {
    return dispatch({.method = method, .target = target, .body = body}, site, {jobs, changes, operations});
  }
  Json get(const std::string& target) {
    const Answer answer = send("GET", target);
    BOOST_TEST(answer.status == 200, target << ": " << answer.text);
    return Json::parse(answer.text);
  }
  // Of what a request begins, when it is over.
  Json outcome(const Answer& begun, const std::string& path) {
    BOOST_TEST(operations.wait_until_idle(10'000'000));
    return get(path + "/" + Json::parse(begun.text)["request-id"].get<std::string>());
  }
};

std::string with_values(std::string_view path) {
  std::string out(path);
  const std::pair<const char*, std::string> values[] = {{":jobid", "live"},     {":vertexid", vertex_id("totals")},
                                                        {":subtaskindex", "1"}, {":checkpointid", "2"},
                                                        {":attempt", "1"},      {":taskmanagerid", host_id("here")}};
  for (const auto& [name, value] : values) {
    if (const auto at = out.find(name); at != std::string::npos) out.replace(at, std::string(name).size(), value);
  }
  return out;
}

// Every field there is has its type, and none that must be there is missing.
void check_whole(const Json& value, const Json& schema, const Json& all, const std::string& where) {
  if (schema.contains("$ref")) {
    const std::string name = schema["$ref"].get<std::string>().substr(21);
    return check_whole(value, all[name], all, where);
  }
  const Json required = schema.value("required", Json::array());
  for (const Json& name : required) BOOST_TEST(value.contains(name), where << " lacks " << name);
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, inner] : properties.items()) {
    if (value.contains(name)) check_whole(value[name], inner, all, where + "/" + name);
  }
  if (schema.contains("items")) {
    for (const Json& item : value) check_whole(item, schema["items"], all, where);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handlers)

BOOST_AUTO_TEST_CASE(every_answer_has_the_shape_of_its_route) {
  Desk desk;
  const Json all = openapi_document(routes())["components"]["schemas"];
  for (const char* state : {"RUNNING", "FAILED", "FINISHED", "DEAD", "CANCELLED"}) {
    desk.jobs.state = state;
    for (const Route& route : routes()) {
      const bool other = route.path.find(":triggerid") != std::string::npos || route.answer == kPlainText;
      if (route.method != "GET" || other) continue;
      const Json answer = desk.get(with_values(route.path));
      const Status fits = check_shape(answer, route.answer, std::string(route.path));
      BOOST_TEST(fits.ok(), fits.what());
      check_whole(answer, schema_of_type(route.answer), all, std::string(route.path));
    }
  }
}

BOOST_AUTO_TEST_CASE(tables_name_only_what_there_is) {
  const Json document = openapi_document(routes());
  const std::string text = document.dump();
  const std::regex reference("#/components/schemas/([A-Za-z0-9]+)");
  for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at)
    BOOST_TEST(find_shape((*at)[1].str()) != nullptr, (*at)[1].str());
  for (const Route& route : routes()) {
    for (const Json& parameter : document["paths"][std::regex_replace(
             std::string(route.path), std::regex(":(\\w+)"), "{$1}")][route.method == "GET"     ? "get"
                                                                      : route.method == "POST"  ? "post"
                                                                      : route.method == "PATCH" ? "patch"
                                                                                                : "put"]["parameters"])
      BOOST_TEST(parameter_text(parameter["name"].get<std::string>()).name == parameter["name"].get<std::string>());
    BOOST_TEST((route.role == Role::kRead) == (route.method == "GET"), route.path);
  }
}

BOOST_AUTO_TEST_CASE(numbers_are_those_of_the_job) {
  Desk desk;
  const Json job = desk.get("/jobs/" + std::string(32, 'a'));
  BOOST_TEST(job["state"] == "RUNNING");
  BOOST_TEST(job["start-time"] == 1000);
  BOOST_TEST(job["end-time"] == -1);
  BOOST_TEST(job["duration"] == 9000);
  BOOST_TEST(job["vertices"][1]["metrics"]["read-records"] == 30);
  BOOST_TEST(job["vertices"][1]["metrics"]["accumulated-busy-time"] == 1000.0);
  BOOST_TEST(job["vertices"][1]["metrics"]["read-records-complete"] == true);
  BOOST_TEST(job["vertices"][0]["metrics"]["read-records-complete"] == false);
  BOOST_TEST(job["plan"]["nodes"][1]["inputs"][0]["ship_strategy"] == "HASH");

  const Json pressure = desk.get("/jobs/live/vertices/totals/backpressure");
  BOOST_TEST(pressure["backpressureLevel"] == "high");
  BOOST_TEST(pressure["subtasks"][0]["backpressureLevel"] == "ok");
  BOOST_TEST(desk.get("/jobs/live/vertices/totals/watermarks")[1]["value"] == "4000");
  BOOST_TEST(desk.get("/jobs/live/vertices/totals/subtasks/1")["attempt"] == 1);

  desk.jobs.state = "STOPPED";
  BOOST_TEST(desk.get("/jobs/live/status")["status"] == "FINISHED");
  BOOST_TEST(desk.get("/jobs/live")["end-time"] == 5000);
}

BOOST_AUTO_TEST_CASE(checkpoints_are_told_by_vertex_and_instance) {
  Desk desk;
  const Json all = desk.get("/jobs/live/checkpoints");
  BOOST_TEST(all["counts"]["total"] == 3);
  BOOST_TEST(all["counts"]["in_progress"] == 1);
  BOOST_TEST(all["latest"]["savepoint"]["external_path"] == "/somewhere/2");
  BOOST_TEST(!all["latest"].contains("completed"));
  BOOST_TEST(all["latest"]["failed"]["failure_message"] == "the disk is full");
  BOOST_TEST(all["summary"]["end_to_end_duration"]["p99"] == 20.0);
  const Json one = desk.get("/jobs/live/checkpoints/details/2/subtasks/totals");
  BOOST_TEST(one["num_acknowledged_subtasks"] == 1);
  BOOST_TEST(one["subtasks"][0]["index"] == 1);
  BOOST_TEST(one["subtasks"][0]["end_to_end_duration"] == 10);
  BOOST_TEST(one["subtasks"][1]["className"] == "pending");
}

BOOST_AUTO_TEST_CASE(metrics_are_listed_read_and_aggregated) {
  Desk desk;
  const std::string base = "/jobs/live/vertices/totals";
  const Json names = desk.get(base + "/metrics");
  BOOST_TEST((std::ranges::find(names, Json{{"id", "1.numRecordsIn"}}) != names.end()));
  BOOST_TEST((std::ranges::find(names, Json{{"id", "0.totals.seen"}}) != names.end()));
  BOOST_TEST(desk.get(base + "/metrics?get=1.numRecordsIn,none").dump() == R"([{"id":"1.numRecordsIn","value":"20"}])");
  BOOST_TEST(desk.get(base + "/subtasks/0/metrics?get=busyTimeMsPerSecond")[0]["value"] == "250");
  BOOST_TEST(desk.get("/jobs/live/metrics?get=numRestarts").dump() == R"([{"id":"numRestarts","value":"2"}])");
  const Json sums = desk.get(base + "/subtasks/metrics?get=numRecordsIn")[0];
  BOOST_TEST(sums["min"] == 10.0);
  BOOST_TEST(sums["avg"] == 15.0);
  BOOST_TEST(sums["sum"] == 30.0);
  BOOST_TEST(sums["skew"].get<double>() > 33.3);
  BOOST_TEST(desk.get(base + "/subtasks/metrics?get=numRecordsIn&subtasks=1-1&agg=SUM").dump() ==
             R"([{"id":"numRecordsIn","sum":20.0}])");
}

BOOST_AUTO_TEST_CASE(changes_are_begun_and_their_outcome_is_told) {
  Desk desk;
  const Answer savepoint =
      desk.send("POST", "/jobs/live/savepoints", R"({"target-directory":"/allowed","cancel-job":true})");
  BOOST_TEST(savepoint.status == 202);
  BOOST_TEST(desk.outcome(savepoint, "/jobs/live/savepoints")["operation"]["location"] == "/made");
  BOOST_TEST(desk.changes.made()[0].starts_with("savepoint live /allowed/savepoint-aaaaaa-"));
  BOOST_TEST(desk.changes.made()[1] == "cancel live");
  const Answer stop = desk.send("POST", "/jobs/live/stop", R"({"drain":true})");
  BOOST_TEST(desk.outcome(stop, "/jobs/live/savepoints")["operation"]["location"] == "/last");
  const Answer checkpoint = desk.send("POST", "/jobs/live/checkpoints");
  BOOST_TEST(desk.outcome(checkpoint, "/jobs/live/checkpoints")["operation"]["checkpointId"] == 7);
  BOOST_TEST(desk.send("GET", "/jobs/live/savepoints/" + Json::parse(checkpoint.text)["request-id"].get<std::string>())
                 .status == 404);

  desk.changes.fault = failed("no room");
  const Answer failing = desk.send("POST", "/jobs/live/savepoints");
  BOOST_TEST(desk.outcome(failing, "/jobs/live/savepoints")["operation"]["failure-cause"]["stack-trace"] == "no room");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_is_not_begun) {
  Desk desk;
  BOOST_TEST(desk.send("POST", "/jobs/live/savepoints", R"({"target-directory":"/else"})").status == 400);
  BOOST_TEST(desk.send("POST", "/jobs/live/resume").status == 409);
  BOOST_TEST(desk.send("POST", "/savepoint-disposal", R"({"savepoint-path":"/somewhere/3"})").status == 404);
  BOOST_TEST(desk.send("PUT", "/jobs/live/resource-requirements", "{}").status == 400);
  desk.jobs.state = "FAILED";
  for (const char* path : {"/jobs/live/savepoints", "/jobs/live/stop", "/jobs/live/checkpoints"})
    BOOST_TEST(desk.send("POST", path).status == 409, path);
  BOOST_TEST(desk.changes.made().empty());
  desk.jobs.fault = Status(Code::kInterrupted, "the supervisor of 'live' did not answer within 5s");
  BOOST_TEST(desk.send("GET", "/jobs/live").status == 503);
}

BOOST_AUTO_TEST_CASE(a_manifest_is_sent_as_it_is) {
  Desk desk;
  BOOST_TEST(Json::parse(desk.send("POST", "/pipelines", "pipeline: live").text)["jobs"][0]["name"] == "live");
  BOOST_TEST(desk.changes.made()[0] == "submit pipeline: live");
  desk.changes.fault = usage_error("manifest:1:1: one\nmanifest:2:1: two");
  const Answer wrong = desk.send("POST", "/pipelines", "x");
  BOOST_TEST(wrong.status == 400);
  BOOST_TEST(Json::parse(wrong.text)["errors"].size() == 2U);
  const Answer invalid = desk.send("POST", "/pipelines/validate", "x");
  BOOST_TEST(invalid.status == 200);
  BOOST_TEST(Json::parse(invalid.text)["valid"] == false);
  BOOST_TEST(Json::parse(invalid.text)["problems"].size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
