#include "cli/flink_gateway.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr int kPolls = 3000;  // of a statement: five minutes
constexpr auto kPause = std::chrono::milliseconds(100);

Status broken(const std::string& url) {
  return failed("'" + url + "' does not answer as Flink's SQL gateway does: is it the address of one?");
}

std::string text_of(const json& value, const char* key) {
  const auto it = value.is_object() ? value.find(key) : value.end();
  return it != value.end() && it->is_string() ? it->get<std::string>() : "";
}

// The gateway's errors: a list, whose last entry has the stack traces.
std::string reason_in(const std::string& body) {
  const json answer = json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("errors") || !answer["errors"].is_array() || answer["errors"].empty())
    return "";
  const json& last = answer["errors"].back();
  return last.is_string() ? flink_reason(last.get<std::string>()) : "";
}

}  // namespace

std::string flink_reason(const std::string& text) {
  std::string reason;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view trimmed = trim(line);
    if (trimmed.starts_with("at ") || trimmed.starts_with("... ") || trimmed.empty()) continue;
    if (trimmed.starts_with("Caused by: ") || reason.empty()) {
      reason = trimmed.starts_with("Caused by: ") ? trimmed.substr(11) : trimmed;
    } else if (reason.size() < 600 && !trimmed.starts_with("End of exception")) {
      reason += " " + std::string(trimmed);
    }
  }
  return reason;
}

Result<std::string> FlinkGateway::call(const std::string& method, const std::string& path, const std::string& body) {
  std::string text;
  const RemoteQuestion question{
      .method = method, .url = url_, .path = path, .body = body, .token = {}, .authority = {}};
  const RemoteAnswer answer = ask_(question, [&](std::string_view bytes) {
    text += bytes;
    return text.size() < (16U << 20);
  });
  if (answer.status == 200) return text;
  if (answer.failure == RemoteAnswer::Failure::kUnreachable)
    return Status(Code::kSystem,
                  "'" + url_ + "' is not reachable: does Flink's SQL gateway run there (sql-gateway.sh start)?");
  const std::string reason = reason_in(answer.text);
  return reason.empty() ? broken(url_) : failed(reason);
}

Result<FlinkJob> FlinkGateway::submit(const std::vector<flink::Statement>& script) {
  STREAM_ASSIGN(const std::string opened, call("POST", "/v1/sessions", "{}"));
  const std::string session = text_of(json::parse(opened, nullptr, false), "sessionHandle");
  if (session.empty()) return broken(url_);
  auto job = run(session, script);
  const auto closed = call("DELETE", "/v1/sessions/" + session, "");
  if (job.ok() && !closed.ok()) return closed.status();
  return job;
}

Result<FlinkJob> FlinkGateway::run(const std::string& session, const std::vector<flink::Statement>& script) {
  FlinkJob job;
  for (const flink::Statement& statement : script) {
    auto id = execute(session, statement.sql);
    if (!id.ok()) {
      const std::string first = statement.sql.substr(0, statement.sql.find('\n'));
      return std::move(id).status().while_doing("Flink refuses '" + first + "'");
    }
    if (!id->empty()) job.id = *id;
  }
  if (job.id.empty()) return failed("Flink has taken the script, and names no job; see on its pages whether one runs");
  job.watch = watch(session, job.id);
  return job;
}

Result<std::string> FlinkGateway::execute(const std::string& session, const std::string& sql) {
  const std::string folder = "/v1/sessions/" + session;
  STREAM_ASSIGN(const std::string begun, call("POST", folder + "/statements", json{{"statement", sql}}.dump()));
  const std::string operation = text_of(json::parse(begun, nullptr, false), "operationHandle");
  if (operation.empty()) return broken(url_);
  std::string next = folder + "/operations/" + operation + "/result/0?rowFormat=JSON";
  std::string id;
  for (int poll = 0; poll < kPolls; ++poll) {
    STREAM_ASSIGN(const std::string text, call("GET", next, ""));
    const json answer = json::parse(text, nullptr, false);
    const std::string kind = text_of(answer, "resultType");
    if (kind.empty()) return broken(url_);
    if (const std::string found = text_of(answer, "jobID"); !found.empty()) id = found;
    if (kind == "EOS") return id;
    if (kind == "NOT_READY") {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    next = text_of(answer, "nextResultUri");
    if (next.empty()) return id;
  }
  return failed(
      "Flink has not answered in five minutes; see what its gateway logs, and on its pages whether a job runs");
}

// Of a cluster of the gateway's own there is no address that is known.
std::string FlinkGateway::watch(const std::string& session, const std::string& job) {
  const auto text = call("GET", "/v1/sessions/" + session, "");
  if (!text.ok()) return "";
  const json answer = json::parse(*text, nullptr, false);
  const auto properties = answer.is_object() ? answer.find("properties") : answer.end();
  if (properties == answer.end()) return "";
  const std::string address = text_of(*properties, "rest.address");
  const std::string port = text_of(*properties, "rest.port");
  if (address.empty()) return "";
  return "http://" + address + ":" + (port.empty() ? "8081" : port) + "/#/job/" + job + "/overview";
}

}  // namespace stream
