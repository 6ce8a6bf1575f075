#include "supervisor/tap_request.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "supervisor/attempt.h"
#include "transport/base/json_fields.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

Result<std::size_t> stage_of(const JobPlan& plan, const std::string& name) {
  std::vector<std::string> names;
  for (const StageSpec& stage : plan.pipeline.stages) names.push_back(stage.name);
  const auto it = std::ranges::find(names, name);
  if (it != names.end()) return static_cast<std::size_t>(it - names.begin());
  return usage_error("job '" + plan.pipeline.name + "' has no stage '" + name + "'" + did_you_mean(name, names));
}

TapRequest::Edge edge_of(std::size_t stage, const std::string& output, const json& request, const std::string& filter) {
  std::vector<std::string> where;
  if (!filter.empty()) where.push_back(filter);
  if (const std::string own = text_at(request, "where"); !own.empty()) where.push_back(own);
  return {stage, json{{"socket", text_at(request, "socket")}, {"output", output}, {"where", where}}.dump()};
}

// What was pushed to the producer of an edge is left out there, so its rows do not reach the sink.
std::vector<TapRequest::Edge> edges_to(const JobPlan& plan, std::size_t sink, const json& request) {
  std::vector<TapRequest::Edge> edges;
  for (const PlannedEdge& edge : plan.edges) {
    if (edge.to != sink) continue;
    edges.push_back(edge_of(edge.from, plan.stages[edge.from].outputs[edge.output].name, request, edge.filter));
  }
  return edges;
}

}  // namespace

Result<TapRequest> tap_request(const JobPlan& plan, std::string_view text) {
  const json request = json::parse(text, nullptr, false);
  if (!request.is_object()) return usage_error("not a request");
  STREAM_ASSIGN(const std::size_t stage, stage_of(plan, text_at(request, "stage")));
  const std::string output = text_at(request, "output");
  const std::string& name = plan.pipeline.stages[stage].name;
  TapRequest tap{.socket = text_at(request, "socket"), .edges = {}};
  if (plan.stages[stage].role == StageRole::kSink && output.empty()) {
    tap.edges = edges_to(plan, stage, request);
    return tap;
  }
  std::vector<std::string> outputs;
  for (const NamedSchema& one : plan.stages[stage].outputs) outputs.push_back(one.name);
  const std::string wanted = output.empty() ? "out" : output;
  if (std::ranges::find(outputs, wanted) == outputs.end()) {
    return usage_error("stage '" + name + "' has no output '" + wanted + "'; it has " + join(outputs, ", "));
  }
  tap.edges.push_back(edge_of(stage, wanted, request, ""));
  return tap;
}

bool somebody_listens(const TapRequest& tap) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (tap.socket.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, tap.socket.c_str(), tap.socket.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;  // not known
  const bool taken = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return taken;
}

Status send_tap(AttemptRun& attempt, const TapRequest& tap) {
  for (const TapRequest::Edge& edge : tap.edges) {
    for (std::uint32_t i = 0; i < attempt.instances().size(); ++i) {
      if (attempt.instances()[i].name.stage != edge.stage) continue;
      STREAM_TRY(attempt.check_here(InstanceIndex(i), "looked at with 'stream tap'"));
      STREAM_TRY(attempt.send(InstanceIndex(i), {"tap", 0, edge.note, {}}));
    }
  }
  return {};
}

}  // namespace stream
