#include "cli/yarn_services.h"

#include <chrono>
#include <thread>

namespace stream {
namespace {

constexpr int kPolls = 600;  // until a service has stopped: five minutes
constexpr auto kPause = std::chrono::milliseconds(500);
constexpr std::size_t kAnswerMost = 1U << 20;

bool is_good(int status) { return status >= 200 && status < 300; }

}  // namespace

Status YarnServices::refused(int status, const std::string& text) const {
  if (status == 401 || status == 403)
    return failed("'" + url_ + "' does not take the name '" + user_ +
                  "' for granted; print the service with --render, and give it to 'yarn app -launch' as somebody who "
                  "is known there");
  const std::string reason = yarn::answer_of(text).reason;
  if (!reason.empty()) return failed("YARN refuses it: " + reason);
  if (status == 404)
    return failed("'" + url_ +
                  "' has no API for services: is it the address of YARN's ResourceManager, http://HOST:8088, and is "
                  "yarn.webapp.api-service.enable set there?");
  return failed("'" + url_ + "' does not answer as YARN's ResourceManager does: is it the address of one?");
}

Result<yarn::Answer> YarnServices::call(const std::string& method, const std::string& name, const std::string& body) {
  std::string text;
  const std::string path = "/app/v1/services" + (name.empty() ? "" : "/" + name) + "?user.name=" + user_;
  const RemoteQuestion question{
      .method = method, .url = url_, .path = path, .body = body, .token = {}, .authority = {}};
  const RemoteAnswer answer = ask_(question, [&](std::string_view bytes) {
    text += bytes;
    return text.size() < kAnswerMost;
  });
  if (answer.failure == RemoteAnswer::Failure::kUnreachable)
    return Status(Code::kSystem, "'" + url_ + "' is not reachable: does YARN's ResourceManager run there?");
  text += answer.text;
  // It says so in words, and without them where it has no such API at all.
  if (answer.status == 404 && !yarn::answer_of(text).reason.empty()) return yarn::Answer{};
  if (answer.failure != RemoteAnswer::Failure::kNone || !is_good(answer.status)) return refused(answer.status, text);
  return yarn::answer_of(text);
}

Status YarnServices::stop(const std::string& name) {
  STREAM_TRY(call("PUT", name, R"({"state":"STOPPED"})").status());
  for (int poll = 0; poll < kPolls; ++poll) {
    STREAM_ASSIGN(const yarn::Answer now, call("GET", name, ""));
    if (!yarn::is_live(now.state)) return {};
    std::this_thread::sleep_for(kPause);
  }
  return failed("the service '" + name + "', which runs there already, has not stopped in five minutes");
}

Result<std::string> YarnServices::replace(const std::string& name, const std::string& service) {
  STREAM_ASSIGN(const yarn::Answer now, call("GET", name, ""));
  if (yarn::is_live(now.state)) STREAM_TRY(stop(name));
  if (!now.state.empty()) STREAM_TRY(call("DELETE", name, "").status());
  STREAM_ASSIGN(const yarn::Answer made, call("POST", "", service));
  if (made.id.empty()) return refused(0, "");
  return made.id;
}

}  // namespace stream
