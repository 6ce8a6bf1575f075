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
  Operations operations{system_clock(), *OperationStore::open(":memory:")};
  FakeStreams streams;
  std::vector<ProfileWish> sampled;
  FlameGraphs flames{[this](const std::string&, const ProfileWish& wish) {
    sampled.push_back(wish);
    Profile profile;
    profile.tree.add_folded("totals.0;main;read 3");
    return Result<Profile>(std::move(profile));
  }};
  Site site{.host = "here", .address = "127.0.0.1:8081", .now_ms = 10'000};

  Answer send(const char* method, const std::string& target, const std::string& body = "") {
    return dispatch({.method = method, .target = target, .body = body}, site,
                    {jobs, changes, operations, streams, flames});
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
  const std::pair<const char*, std::string> values[] = {{":jobid", "live"},
                                                        {":vertexid", vertex_id("totals")},
                                                        {":subtaskindex", "1"},
                                                        {":checkpointid", "2"},
                                                        {":attempt", "1"},
                                                        {":taskmanagerid", host_id("here")},
                                                        {":operationid", std::string(32, 'c')}};
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
  BOOST_TEST(
      desk.operations.begin("savepoint " + std::string(32, 'a'), std::string(32, 'c'), [] { return Json::object(); })
          .ok());
  BOOST_TEST(desk.operations.wait_until_idle(10'000'000));
  for (const char* state : {"RUNNING", "FAILED", "FINISHED", "DEAD", "CANCELLED"}) {
    desk.jobs.state = state;
    for (const Route& route : routes()) {
      const bool other = route.path.find(":triggerid") != std::string::npos || route.answer == kPlainText ||
                         route.answer == kEventStreamShape || route.answer == kArchiveShape;
      if (route.method != "GET" || other) continue;
      const Answer sent = desk.send("GET", with_values(route.path));
      BOOST_TEST(sent.status == route.status, route.path << ": " << sent.text);
      const Json answer = Json::parse(sent.text);
      const Status fits = check_shape(answer, route.answer, std::string(route.path));
      BOOST_TEST(fits.ok(), fits.what());
      check_whole(answer, schema_of_type(route.answer), all, std::string(route.path));
    }
  }
}

BOOST_AUTO_TEST_CASE(who_stands_by_sends_to_the_leader) {
  Desk desk;
  desk.jobs.state = "STANDBY";
  desk.jobs.leader = "https://there:8081";
  const std::string vertex = "/v1/jobs/live/vertices/" + vertex_id("totals") + "?x=%2F";
  for (const Route& route : routes()) {
    if (route.path.find(":jobid") == std::string_view::npos || route.by_standby) continue;
    const Answer sent = desk.send(std::string(route.method).c_str(), with_values(route.path));
    BOOST_TEST(sent.status == 307, route.path);
  }
  const Answer sent = desk.send("GET", vertex);
  BOOST_REQUIRE(sent.headers.size() == 1U);
  BOOST_TEST(sent.headers[0].first == "Location");
  BOOST_TEST(sent.headers[0].second == "https://there:8081" + vertex);
  BOOST_TEST(desk.get("/jobs/live/summary")["state"] == "STANDBY");
  BOOST_TEST(desk.send("GET", "/jobs/nobody").status == 404);
  desk.jobs.leader = "";
  const Answer unknown = desk.send("GET", "/jobs/live");
  BOOST_TEST(unknown.status == 503);
  BOOST_TEST(unknown.text.find("--advertise") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tables_name_only_what_there_is) {
  const Json document = openapi_document(routes());
  const std::string text = document.dump();
  const std::regex reference("#/components/schemas/([A-Za-z0-9]+)");
  for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at)
    BOOST_TEST(find_shape((*at)[1].str()) != nullptr, (*at)[1].str());
  for (const Route& route : routes()) {
    for (const Json& parameter : document["paths"][std::regex_replace(
             std::string(route.path), std::regex(":(\\w+)"), "{$1}")][route.method == "GET"      ? "get"
                                                                      : route.method == "POST"   ? "post"
                                                                      : route.method == "PATCH"  ? "patch"
                                                                      : route.method == "DELETE" ? "delete"
                                                                                                 : "put"]["parameters"])
      BOOST_TEST(parameter_text(parameter["name"].get<std::string>()).name == parameter["name"].get<std::string>());
    const bool shows_rows = route.path == "/jobs/:jobid/taps";
    const bool asks_the_verb = route.path == "/commands";  // which says itself what it needs
    const bool changes_nothing = route.path == "/jobs/:jobid/clientHeartbeat";
    BOOST_TEST(
        (route.role == Role::kRead) == ((route.method == "GET" && !shows_rows) || asks_the_verb || changes_nothing),
        route.path);
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

BOOST_AUTO_TEST_CASE(what_own_code_counts_is_accumulated) {
  Desk desk;
  const auto one = [](int value) {
    return Json::array({{{"name", "seen"}, {"type", "LongCounter"}, {"value", std::to_string(value)}}});
  };
  BOOST_TEST(desk.get("/jobs/live/accumulators")["user-task-accumulators"] == one(6));
  BOOST_TEST(desk.get("/jobs/live/vertices/totals/accumulators")["user-accumulators"] == one(6));
  BOOST_TEST(desk.get("/jobs/live/vertices/made/accumulators")["user-accumulators"] == Json::array());
  const Json subtasks = desk.get("/jobs/live/vertices/totals/subtasks/accumulators")["subtasks"];
  BOOST_TEST(subtasks[1]["user-accumulators"] == one(3));
  BOOST_TEST(desk.get("/jobs/live/vertices/totals/subtasks/1/attempts/1/accumulators")["user-accumulators"] == one(3));
  BOOST_TEST(desk.get("/jobs/live/vertices/totals/subtasks/1/attempts/0/accumulators")["user-accumulators"] ==
             Json::array());
}

BOOST_AUTO_TEST_CASE(a_server_ends_when_it_is_told_to_where_it_may) {
  Desk desk;
  BOOST_TEST(desk.send("DELETE", "/cluster").status == 409);
  int ends = 0;
  desk.site.shut_down = [&] { ++ends; };
  BOOST_TEST(desk.send("DELETE", "/cluster").status == 200);
  BOOST_TEST(ends == 1);
  for (const char* method : {"GET", "HEAD"}) BOOST_TEST(desk.send(method, "/jobs/live/yarn-cancel").status == 403);
  BOOST_TEST(desk.changes.made().empty());
}

BOOST_AUTO_TEST_CASE(attempts_are_told_as_they_were) {
  Desk desk;
  const Json old = desk.get("/jobs/live/vertices/totals/subtasks/1/attempts/0");
  BOOST_TEST(old["status"] == "FAILED");
  BOOST_TEST(old["start-time"] == 1150);
  BOOST_TEST(old["end-time"] == 3000);
  BOOST_TEST(old["metrics"]["read-records"] == 5);
  BOOST_TEST(desk.send("GET", "/jobs/live/vertices/totals/subtasks/0/attempts/0").status == 404);
  const Json times = desk.get("/jobs/live")["timestamps"];
  BOOST_TEST(times["INITIALIZING"] == 1000);
  BOOST_TEST(times["RESTARTING"] == 3000);
  BOOST_TEST(times["RUNNING"] == 3200);
  BOOST_TEST(times["FAILED"] == 0);
  for (const char* state : {"FAILED", "FINISHED", "STOPPED", "CANCELLED"}) {
    desk.jobs.state = state;
    BOOST_TEST(desk.send("PATCH", "/jobs/live").status == 409, state);
  }
  BOOST_TEST(desk.changes.made().empty());
  BOOST_TEST(desk.send("POST", "/jobs/live/resume").status == 409);
}

BOOST_AUTO_TEST_CASE(checkpoints_are_told_by_vertex_and_instance) {
  Desk desk;
  const Json all = desk.get("/jobs/live/checkpoints");
  BOOST_TEST(all["counts"]["total"] == 4008);
  BOOST_TEST(all["counts"]["in_progress"] == 1);
  BOOST_TEST(all["latest"]["savepoint"]["external_path"] == "/somewhere/2");
  BOOST_TEST(!all["latest"].contains("completed"));
  BOOST_TEST(all["latest"]["failed"]["failure_message"] == "the disk is full");
  BOOST_TEST(all["counts"]["completed"] == 4000);  // of all there ever were
  BOOST_TEST(all["latest"]["restored"].dump() ==
             R"({"external_path":"/kept/1","id":1,"is_savepoint":false,"restore_timestamp":3100})");
  BOOST_TEST(all["history"][0]["className"] == "in_progress");
  BOOST_TEST(all["summary"]["end_to_end_duration"].dump() ==
             R"({"avg":3,"max":90,"min":1,"p50":2.0,"p90":5.0,"p95":6.0,"p99":20.0,"p999":80.5})");
  BOOST_TEST(all["summary"]["state_size"]["avg"] == 42);
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

BOOST_AUTO_TEST_CASE(history_is_listed_and_read) {
  Desk desk;
  const std::string base = "/jobs/live/history";
  BOOST_TEST(desk.get(base)["series"].size() == 3U);
  BOOST_TEST(desk.get(base)["series"][0].dump() == R"({"metric":"numRestarts","subtask":null,"vertex":null})");
  const Json all = desk.get(base + "?metric=numRestarts,stateSize&from=5&to=6");
  BOOST_TEST(all["series"].size() == 2U);
  BOOST_TEST(all["series"][1]["vertex"] == "totals");
  BOOST_TEST(all["series"][0]["points"].dump() == "[[5,1.234568]]");
  const Json one = desk.get(base + "?metric=stateSize&vertex=" + vertex_id("totals") + "&subtask=1");
  BOOST_TEST(one["series"].size() == 1U);
  BOOST_TEST(one["series"][0]["subtask"] == 1);
  BOOST_TEST(desk.get(base + "?metric=stateSize&vertex=totals&subtask=all")["series"].size() == 1U);
  const std::pair<const char*, int> wrong[] = {
      {"?metric=numRestart", 404},          {"?metric=stateSize&vertex=total", 404},
      {"?metric=stateSize&subtask=1", 400}, {"?metric=stateSize&from=x", 400},
      {"?metric=stateSize&points=0", 400},  {"?metric=stateSize&from=7&to=7", 400},
      {"?metric=stateSize&to=-1", 400},     {"?metric=stateSize&points=10001", 400}};
  for (const auto& [query, status] : wrong) BOOST_TEST(desk.send("GET", base + query).status == status, query);
}

BOOST_AUTO_TEST_CASE(a_stream_is_begun_with_what_was_wished) {
  Desk desk;
  const Answer begun = desk.send("GET", "/stream?jobs=live&topics=stats&lastEventId=9");
  BOOST_TEST(begun.status == 200);
  BOOST_TEST(begun.type == kEventStream);
  BOOST_TEST(static_cast<bool>(begun.take_over));
  BOOST_TEST(desk.streams.wished.jobs.front() == "live");
  BOOST_TEST(desk.streams.wished.after == 9);
  BOOST_TEST(!desk.send("HEAD", "/stream").take_over);
  BOOST_TEST(desk.send("GET", "/stream?topics=x").status == 400);
  desk.streams.fault = Status(Code::kInterrupted, "256 streams are open");
  const Answer crowded = desk.send("GET", "/stream");
  BOOST_TEST(crowded.status == 503);
  BOOST_TEST(!crowded.take_over);
}

BOOST_AUTO_TEST_CASE(state_is_listed_and_asked) {
  Desk desk;
  BOOST_TEST(desk.get("/jobs/live/state")["tables"][0]["table"] == "totals");
  const Answer all = desk.send("POST", "/jobs/live/state/query", R"({"sql": "select 1", "live": true})");
  BOOST_TEST(Json::parse(all.text).dump() ==
             R"({"age":6000,"checkpoint":7,"columns":[{"name":"k","type":"BIGINT"},{"name":"x","type":"TEXT"}],)"
             R"("more":false,"rows":[[1,null],[2,"b"],[3,"c"]]})");
  const Answer some = desk.send("POST", "/jobs/live/state/query", R"({"sql": "select 1", "limit": 2})");
  BOOST_TEST(Json::parse(some.text)["rows"].size() == 2U);
  BOOST_TEST(Json::parse(some.text)["more"] == true);
  const std::vector<std::string> asked = {"query select 1 live 1000", "query select 1 2"};
  BOOST_TEST(desk.changes.made() == asked, boost::test_tools::per_element());
  for (const char* body : {"{}", R"({"sql": " "})", R"({"sql": 1})", R"({"sql": "x", "limit": 0})",
                           R"({"sql": "x", "limit": 10001})", R"({"sql": "a\u0000b"})", R"({"query": "x"})"})
    BOOST_TEST(desk.send("POST", "/jobs/live/state/query", body).status == 400, body);
}

BOOST_AUTO_TEST_CASE(what_was_asked_is_kept) {
  Desk desk;
  BOOST_TEST(desk.get("/operations")["operations"].empty());
  const Answer begun = desk.send("POST", "/jobs/live/savepoints");
  const std::string id = Json::parse(begun.text)["request-id"];
  desk.outcome(begun, "/jobs/live/savepoints");
  desk.changes.fault = usage_error("no stage 'x'");
  desk.send("POST", "/pipelines?name=other", "x");
  const Json all = desk.get("/operations")["operations"];
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0]["kind"] == "submit");
  BOOST_TEST(all[0]["status"] == "FAILED");
  BOOST_TEST(all[0]["name"] == "other");
  BOOST_TEST(all[1]["kind"] == "savepoint");
  BOOST_TEST(all[1]["job"] == std::string(32, 'a'));
  BOOST_TEST(all[1]["outcome"]["location"] == "/made");
  BOOST_TEST(desk.get("/operations/" + id) == all[1]);
  BOOST_TEST(desk.get("/operations?limit=1")["operations"].size() == 1U);
  for (const char* wrong : {"/operations?limit=0", "/operations?limit=1001", "/operations?limit=x"})
    BOOST_TEST(desk.send("GET", wrong).status == 400, wrong);
  BOOST_TEST(desk.send("GET", "/operations/none").status == 404);
}

BOOST_AUTO_TEST_CASE(an_upgrade_is_begun_and_told_of) {
  Desk desk;
  const Answer begun = desk.send("POST", "/jobs/live/upgrade?trial=1s", "pipeline: live");
  BOOST_TEST(begun.status == 202);
  const Json done = desk.outcome(begun, "/jobs/live/upgrade")["operation"];
  BOOST_TEST(done.dump() == R"({"checkpointId":8,"location":"/before"})");
  BOOST_TEST(desk.changes.made()[0] == "upgrade live pipeline: live as live trial 1s");
  desk.changes.upgrades = false;
  const Json back = desk.outcome(desk.send("POST", "/jobs/live/upgrade", "x"), "/jobs/live/upgrade")["operation"];
  BOOST_TEST(back["failure-cause"]["stack-trace"] == "it failed");
  desk.changes.fault = usage_error("manifest:1:1: one\nmanifest:2:1: two");
  const Answer wrong = desk.send("POST", "/jobs/live/upgrade", "x");
  BOOST_TEST(wrong.status == 400);
  BOOST_TEST(Json::parse(wrong.text)["errors"].size() == 2U);
  desk.jobs.state = "FAILED";
  BOOST_TEST(desk.send("POST", "/jobs/live/upgrade", "x").status == 409);
}

BOOST_AUTO_TEST_CASE(a_tap_is_begun_with_what_was_wished) {
  Desk desk;
  BOOST_TEST(static_cast<bool>(desk.send("GET", "/jobs/live/taps?stage=made&where=n+%3E+1&limit=3").take_over));
  BOOST_TEST(desk.streams.tapped.stage == "made");
  BOOST_TEST(desk.streams.tapped.where == "n > 1");
  BOOST_TEST(desk.streams.tapped.limit.value() == 3);
  BOOST_TEST(desk.send("GET", "/jobs/live/taps").status == 400);
  BOOST_TEST(desk.send("GET", "/jobs/live/taps?stage=mode").status == 404);
  BOOST_TEST(desk.send("GET", "/jobs/live/taps?stage=made&limit=0").status == 400);
}

BOOST_AUTO_TEST_CASE(a_manifest_begins_with_a_savepoint) {
  Desk desk;
  const auto submit = [&](const std::string& query) { return desk.send("POST", "/pipelines?" + query, "x").status; };
  BOOST_TEST(submit("savepointPath=live@sale") == 200);
  BOOST_TEST(submit("savepointPath=/elsewhere/7&allowNonRestoredState=true") == 200);
  BOOST_TEST(desk.changes.made() ==
                 (std::vector<std::string>{"submit x from /somewhere/4", "submit x from /elsewhere/7 dropping"}),
             boost::test_tools::per_element());
  BOOST_TEST(submit("savepointPath=live@3") == 404);
  BOOST_TEST(submit("savepointPath=liev@2") == 404);
  BOOST_TEST(submit("savepointPath=elsewhere/7") == 400);
}

BOOST_AUTO_TEST_CASE(a_savepoint_is_sent_by_number_label_or_as_the_latest) {
  Desk desk;
  for (const auto& [which, path, file] : {std::tuple{"2", "/somewhere/2.tar.zst", "live-2"},
                                          {"latest", "/somewhere/4", "live-4"},
                                          {"sale", "/somewhere/4", "live-4"}}) {
    const Answer answer = desk.send("GET", std::string("/jobs/live/savepoints/") + which + "/download");
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.type == "application/zstd");
    BOOST_TEST(static_cast<bool>(answer.take_over));
    BOOST_TEST(desk.streams.downloaded.path == path);
    BOOST_TEST(desk.streams.downloaded.name == std::string(file) + ".tar.zst");
  }
  BOOST_TEST(!desk.send("HEAD", "/jobs/live/savepoints/2/download").take_over);
  for (const char* which : {"1", "sal", "..", "%2e%2e%2f2", ""})
    BOOST_TEST(desk.send("GET", std::string("/jobs/live/savepoints/") + which + "/download").status == 404, which);
  desk.streams.fault = usage_error("not there");
  BOOST_TEST(desk.send("GET", "/jobs/live/savepoints/2/download").status == 400);
}

BOOST_AUTO_TEST_CASE(changes_are_begun_and_their_outcome_is_told) {
  Desk desk;
  const Answer savepoint =
      desk.send("POST", "/jobs/live/savepoints", R"({"target-directory":"/allowed","cancel-job":true})");
  BOOST_TEST(savepoint.status == 202);
  BOOST_TEST(desk.outcome(savepoint, "/jobs/live/savepoints")["operation"]["location"] == "/made");
  BOOST_TEST(desk.changes.made()[0].starts_with("savepoint live /allowed/savepoint-aaaaaa-"));
  BOOST_TEST(desk.changes.made()[1] == "cancel live");
  BOOST_TEST(desk.jobs.forgotten() == std::vector<std::string>{"live"}, boost::test_tools::per_element());
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

BOOST_AUTO_TEST_CASE(what_has_ended_where_another_led_it_is_resumed_here) {
  Desk desk;
  desk.changes.shared = SharedJob{"elsewhere", "e1", "STOPPED"};
  for (const char* wanted : {"elsewhere", "e1"}) {
    const std::string path = std::string("/jobs/") + wanted + "/resume";
    const Answer resume = desk.send("POST", path);
    BOOST_TEST(resume.status == 202, wanted);
    BOOST_TEST(!desk.outcome(resume, path)["operation"].contains("failure-cause"), wanted);
  }
  const std::vector<std::string> asked = {"resume elsewhere", "resume elsewhere"};
  BOOST_TEST(desk.changes.made() == asked, boost::test_tools::per_element());
  desk.changes.shared->ended = "FINISHED";
  BOOST_TEST(desk.send("POST", "/jobs/elsewhere/resume").status == 409);
  BOOST_TEST(desk.send("GET", "/jobs/elsewhere").status == 404);
}

BOOST_AUTO_TEST_CASE(a_manifest_is_sent_as_it_is) {
  Desk desk;
  BOOST_TEST(Json::parse(desk.send("POST", "/pipelines", "pipeline: live").text)["jobs"][0]["name"] == "live");
  BOOST_TEST(desk.changes.made()[0] == "submit pipeline: live");
  BOOST_TEST(desk.send("POST", "/pipelines?name=other&p.day=monday&p.a=1", "x").status == 200);
  BOOST_TEST(desk.changes.made()[1] == "submit x as other a=1 day=monday");
  desk.changes.fault = usage_error("manifest:1:1: one\nmanifest:2:1: two");
  const Answer wrong = desk.send("POST", "/pipelines", "x");
  BOOST_TEST(wrong.status == 400);
  BOOST_TEST(Json::parse(wrong.text)["errors"].size() == 2U);
  const Answer invalid = desk.send("POST", "/pipelines/validate", "x");
  BOOST_TEST(invalid.status == 200);
  BOOST_TEST(Json::parse(invalid.text)["valid"] == false);
  BOOST_TEST(Json::parse(invalid.text)["problems"].size() == 2U);
}

// Whoever asks first is told to wait, as Flink's clients know it; then it is there for a while.
BOOST_AUTO_TEST_CASE(flame_graphs_are_made_when_somebody_asks) {
  Desk desk;
  const std::string path = "/jobs/live/vertices/totals/flamegraph";
  BOOST_TEST(desk.get(path + "?type=on_cpu&subtaskindex=1")["endTimestamp"] == kFlameWaiting);
  BOOST_TEST(desk.flames.wait_until_idle(10'000'000));
  const Json graph = desk.get(path + "?type=ON_CPU&subtaskindex=1");
  BOOST_TEST(graph["endTimestamp"].get<std::int64_t>() > 0);
  BOOST_TEST(graph["data"]["value"] == 3);
  BOOST_TEST(graph["data"]["children"][0]["children"][0]["children"][0]["name"] == "read");
  BOOST_REQUIRE(desk.sampled.size() == 1U);
  BOOST_TEST((desk.sampled[0].states == profile::States::kOnCpu));
  BOOST_TEST(desk.sampled[0].instance.value_or(9) == 1U);
}

BOOST_AUTO_TEST_CASE(flame_graphs_are_refused_where_there_can_be_none) {
  Desk desk;
  const std::string path = "/jobs/live/vertices/totals/flamegraph";
  BOOST_TEST(desk.send("GET", path + "?type=half").status == 400);
  BOOST_TEST(desk.send("GET", path + "?subtaskindex=2").status == 404);
  BOOST_TEST(desk.send("GET", path + "?subtaskindex=x").status == 404);
  desk.jobs.state = "FINISHED";
  BOOST_TEST(desk.get(path)["endTimestamp"] == kFlameTerminated);
  BOOST_TEST(desk.sampled.empty());
}

BOOST_AUTO_TEST_SUITE_END()
