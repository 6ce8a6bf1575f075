#include "supervisor/http/access.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "supervisor/http/audit.h"
#include "supervisor/http/live_changes.h"
#include "supervisor/http/operations.h"
#include "supervisor/http/server.h"
#include "supervisor/http/service.h"
#include "tests/support/temp_dir.h"

using namespace stream;
using namespace stream::http;

namespace {

int status_of(const Access& access, const Head& head, std::string* who = nullptr) {
  Request request;
  const auto refusal = access.gate(head, request);
  if (who != nullptr) *who = request.who;
  return refusal ? refusal->status : 200;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(access_rules)

BOOST_AUTO_TEST_CASE(a_token_has_a_role_and_is_not_in_its_line) {
  std::vector<Token> tokens;
  std::string reader;
  for (const Role role : {Role::kRead, Role::kOperate, Role::kAdmin}) {
    const auto made = make_token(std::string(to_string(role)), role);
    BOOST_REQUIRE(made.ok());
    BOOST_TEST(made->line.find(made->secret) == std::string::npos);
    if (role == Role::kRead) reader = made->secret;
    const auto parsed = parse_tokens("# who\n\n" + made->line, "tokens");
    BOOST_REQUIRE(parsed.ok());
    tokens.push_back(parsed->front());
  }
  const Access access(tokens, "0.0.0.0");
  const Head plain{.method = "GET", .target = "/jobs"};
  BOOST_TEST(status_of(access, plain) == 401);
  Head wrong = plain;
  wrong.authorization = "Bearer " + tokens[0].sha256;  // who reads the file is not let in by it
  BOOST_TEST(status_of(access, wrong) == 401);
  Head right = plain;
  right.authorization = "Bearer " + reader;
  right.host = "any.example";
  std::string who;
  BOOST_TEST(status_of(access, right, &who) == 200);
  BOOST_TEST(who == "read");
  right.method = "POST";
  right.target = "/jobs/live/stop";
  BOOST_TEST(status_of(access, right) == 403);
  right.method = "PATCH";
  right.target = "/v1/jobs/live?mode=cancel";
  BOOST_TEST(status_of(access, right) == 403);
}

BOOST_AUTO_TEST_CASE(a_wrong_line_is_named) {
  for (const char* wrong : {"one read", "one root 0", "a/b read 0"}) {
    const auto tokens = parse_tokens(std::string("\n") + wrong, "tokens");
    BOOST_TEST(!tokens.ok());
    BOOST_TEST(tokens.status().what().find("'tokens' line 2") != std::string::npos, tokens.status().what());
  }
}

BOOST_AUTO_TEST_CASE(without_tokens_a_foreign_name_or_page_changes_nothing) {
  const Access access({}, "127.0.0.1");
  for (const char* host : {"localhost:8081", "127.0.0.1", "[::1]:8081", "LOCALHOST", ""})
    BOOST_TEST(status_of(access, {.method = "GET", .target = "/jobs", .host = host}) == 200, host);
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.0.1"})
    BOOST_TEST(status_of(access, {.method = "GET", .target = "/jobs", .host = host}) == 403, host);
  Head post{.method = "POST", .target = "/jobs/live/stop", .host = "localhost:8081"};
  BOOST_TEST(status_of(access, post) == 200);
  post.origin = "http://localhost:8081";
  BOOST_TEST(status_of(access, post) == 200);
  for (const char* origin : {"http://evil.example", "null", "http://localhost:8082"}) {
    post.origin = origin;
    BOOST_TEST(status_of(access, post) == 403, origin);
  }
  post.origin = "";
  post.has_body = true;
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""}) {
    post.content_type = type;
    BOOST_TEST(status_of(access, post) == 415, type);
  }
  post.content_type = "Application/JSON; charset=UTF-8";
  BOOST_TEST(status_of(access, post) == 200);
  BOOST_TEST(status_of(access, {.method = "DELETE", .target = "/jobs/live", .host = "localhost"}) == 405);
  BOOST_TEST(status_of(access, {.method = "GET", .target = "/nothing", .host = "localhost"}) == 404);
}

BOOST_AUTO_TEST_CASE(addresses) {
  BOOST_TEST(parse_address("8081")->host == "127.0.0.1");
  BOOST_TEST(parse_address(":8081")->host == "0.0.0.0");
  BOOST_TEST(parse_address("[::1]:80")->host == "::1");
  BOOST_TEST(parse_address("localhost:80")->port == 80);
  for (const char* wrong : {"", "x", "localhost", "::1:80", "localhost:", "localhost:70000", "localhost:-1"})
    BOOST_TEST(!parse_address(wrong).ok(), wrong);
  BOOST_TEST(is_loopback("127.1.2.3"));
  BOOST_TEST(!is_loopback("127.evil.example"));
  ServiceSettings settings{.server = {.host = "0.0.0.0"}};
  BOOST_TEST(!check_exposure(settings).ok());
  settings.insecure = true;
  BOOST_TEST(!check_exposure(settings).ok());
  settings.tokens = "tokens";
  BOOST_TEST(check_exposure(settings).ok());
  settings.insecure = false;
  BOOST_TEST(!check_exposure(settings).ok());
  settings.server.certificate = "x";
  BOOST_TEST(check_exposure(settings).ok());
}

BOOST_AUTO_TEST_CASE(a_path_is_inside_with_all_its_links_followed) {
  const TempDir folder;
  const std::string root = folder.path() + "/root";
  std::filesystem::create_directories(root + "/in");
  std::filesystem::create_directory_symlink("/etc", root + "/out");
  const std::vector<std::string> roots = {root};
  BOOST_TEST(is_inside(root, roots));
  BOOST_TEST(is_inside(root + "/in/not/there", roots));
  for (const std::string& wrong :
       {root + "/..", root + "/in/../../else", root + "/out/x", root + "else", std::string("/")})
    BOOST_TEST(!is_inside(wrong, roots), wrong);
  BOOST_TEST(!is_inside("/etc", {}));
}

BOOST_AUTO_TEST_CASE(operations_are_bounded_and_forgotten) {
  ManualClock clock;
  Operations operations(clock);
  std::mutex gate;
  gate.lock();
  const auto wait = [&gate]() -> nlohmann::json {
    const std::lock_guard lock(gate);
    return {{"done", true}};
  };
  std::string first;
  for (std::size_t i = 0; i < kOperationsAtOnce; ++i) {
    const auto id = operations.begin("a", i == 0 ? std::string(32, 'f') : "", wait);
    BOOST_REQUIRE(id.ok());
    if (i == 0) first = *id;
  }
  BOOST_TEST(operations.begin("a", "", wait).status().what().find("under way") != std::string::npos);
  BOOST_TEST(*operations.begin("a", first, wait) == first);  // the same, sent again
  BOOST_TEST(!operations.begin("b", first, wait).ok());
  BOOST_TEST(!operations.look("a", first)->over);
  gate.unlock();
  BOOST_REQUIRE(operations.wait_until_idle(10'000'000));
  BOOST_TEST(operations.look("a", first)->told["done"] == true);
  BOOST_TEST(!operations.look("b", first).has_value());
  clock.advance(kOutcomeKept);
  BOOST_TEST(!operations.look("a", first).has_value());
}

BOOST_AUTO_TEST_CASE(operations_outlive_their_server) {
  const TempDir folder;
  const std::string path = folder.path() + "/operations.sqlite";
  ManualClock clock;
  const auto open = [&] { return *OperationStore::open(path); };
  const std::string id(32, 'e');
  {
    Operations operations(clock, open());
    BOOST_TEST(operations.begin("a", id,
                                [] {
                                  return nlohmann::json{{"location", "/x"}};
                                },
                                {"me", "::1", "live"})
                   .ok());
    BOOST_TEST(operations.wait_until_idle(10'000'000));
    auto store = open();  // of a server that is gone
    BOOST_TEST(
        store
            ->save({.id = std::string(32, 'f'), .what = "a", .begun_us = clock.wall_us(), .server = "999999999-1"},
                   clock.wall_us())
            .ok());
  }
  Operations later(clock, open());
  BOOST_TEST(later.look("a", id)->told["location"] == "/x");
  BOOST_TEST(!later.look("b", id).has_value());
  BOOST_TEST(*later.begin("a", id, [] { return nlohmann::json(); }) == id);  // is not begun again
  BOOST_TEST(!later.begin("b", id, [] { return nlohmann::json(); }).ok());
  BOOST_TEST((*later.find(id))->who == "me");
  const auto lost = later.look("a", std::string(32, 'f'));
  BOOST_REQUIRE(lost.has_value());
  BOOST_TEST(lost->over);
  BOOST_TEST(lost->told.contains("failure-cause"));
  clock.advance(kOperationKept + 1);
  BOOST_TEST(later.begin("c", "", [] { return nlohmann::json::object(); }).ok());
  BOOST_TEST(later.wait_until_idle(10'000'000));
  BOOST_TEST(later.newest(10)->size() == 1U);
  BOOST_TEST(is_alive(this_server()));
}

BOOST_AUTO_TEST_CASE(the_audit_tells_how_it_ended) {
  const TempDir folder;
  const auto audit = Audit::open(folder.path() + "/.serve");
  BOOST_REQUIRE(audit.ok());
  const Request request = {.method = "POST", .target = "/x", .who = "me", .remote = "there"};
  BOOST_TEST((*audit)->write(request, {.status = 200}, 1).ok());
  BOOST_TEST((*audit)->write(request, {.status = 202, .operation = "7"}, 2).ok());
  BOOST_TEST((*audit)->write(request, {.status = 409, .why = "it is over"}, 3).ok());
  BOOST_TEST((*audit)->write(request, {.status = 500, .why = "no memory"}, 4).ok());
  BOOST_TEST((*audit)->write({.operation = "7", .who = "me", .what = "stop", .job = "live", .took_us = 9}, 5).ok());
  BOOST_TEST((*audit)->write({.operation = "8", .what = "command", .command = "gc", .why = "exit code 1"}, 6).ok());
  std::ifstream file(folder.path() + "/.serve/audit.log");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  BOOST_REQUIRE(lines.size() == 6U);
  const char* outcomes[] = {"done", "accepted", "refused", "failed", "done", "failed"};
  for (std::size_t i = 0; i < lines.size(); ++i) BOOST_TEST(lines[i]["outcome"] == outcomes[i]);
  BOOST_TEST(lines[1]["operation"] == lines[4]["operation"]);
  BOOST_TEST(lines[2]["why"] == "it is over");
  BOOST_TEST(lines[4]["job"] == "live");
  BOOST_TEST(!lines[4].contains("why"));
  BOOST_TEST(lines[5]["command"] == "gc");
}

BOOST_AUTO_TEST_CASE(the_audit_is_rotated) {
  const TempDir folder;
  const auto audit = Audit::open(folder.path() + "/.serve", 300);
  BOOST_REQUIRE(audit.ok());
  for (int i = 0; i < 40; ++i)
    BOOST_TEST((*audit)->write({.method = "POST", .target = "/x", .who = "me"}, {.status = 200 + i}, i).ok());
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() + "/.serve")) {
    BOOST_TEST(entry.file_size() <= 300);
    ++files;
  }
  BOOST_TEST(files == static_cast<std::size_t>(kAuditFiles));
}

BOOST_AUTO_TEST_SUITE_END()
