#include "supervisor/kubernetes/controller/job_link.h"

#include "supervisor/kubernetes/api/fields.h"
#include "supervisor/kubernetes/objects.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr Microseconds kPatience = 3'000'000;
constexpr char kFolder[] = "/savepoints";  // on the volume

std::string server_at(const std::string& address) {
  const bool six = address.find(':') != std::string::npos;
  return "http://" + (six ? "[" + address + "]" : address) + ":" + std::to_string(kPort);
}

Outcome outcome_of(const json& body) {
  Outcome outcome;
  outcome.over = text_at(body, "/status/id") == "COMPLETED";
  outcome.path = text_at(body, "/operation/location");
  outcome.why = text_at(body, "/operation/failure-cause/stack-trace");
  if (outcome.over && outcome.path.empty() && outcome.why.empty()) outcome.why = "nothing is said of it";
  return outcome;
}

}  // namespace

std::optional<JobSeen> JobLink::look(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    auto api = std::make_unique<Api>(ApiPlace{.server = server_at(address), .token = token_}, kPatience);
    const auto status = api->call("GET", path("status"));
    if (!status.ok() || status->status != 200) continue;
    JobSeen seen{.state = text_at(status->body, "/status")};
    const auto checkpoints = api->call("GET", path("checkpoints"));
    if (checkpoints.ok() && checkpoints->status == 200) {
      const json& body = checkpoints->body;
      seen.checkpoint = number_at(body, "/latest/completed/id");
      seen.checkpoint_ms = number_at(body, "/latest/completed/latest_ack_timestamp");
      seen.savepoint = text_at(body, "/latest/savepoint/external_path");
    }
    api_ = std::move(api);
    return seen;
  }
  return std::nullopt;
}

std::optional<Outcome> JobLink::pursue(const Asked& asked) {
  if (api_ == nullptr) return std::nullopt;
  const auto answer = api_->call("GET", path("savepoints/" + asked.id));
  if (answer.ok() && answer->status == 200) return outcome_of(answer->body);
  if (!answer.ok() || answer->status != 404) return std::nullopt;
  const std::string folder = std::string(kData) + kFolder;
  const json body = {{"triggerId", asked.id}, {asked.stop ? "targetDirectory" : "target-directory", folder}};
  const auto begun = api_->call("POST", path(asked.stop ? "stop" : "savepoints"), body);
  if (!begun.ok() || begun->status >= 500) return std::nullopt;
  if (begun->status < 300) return Outcome{};
  const std::string why = text_at(begun->body, "/errors/0");
  return Outcome{true, "", why.empty() ? begun->said() : why};
}

}  // namespace stream::kubernetes
