#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/flame_graphs.h"
#include "supervisor/http/handlers.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr Microseconds kSampled = 3'000'000;

Result<profile::States> states_of(const std::string& type) {
  const std::string word = lower(type);
  if (word.empty() || word == "full") return profile::States::kBoth;
  if (word == "on_cpu") return profile::States::kOnCpu;
  if (word == "off_cpu") return profile::States::kOffCpu;
  return usage_error("parameter 'type': '" + type + "' is none of full, on_cpu and off_cpu");
}

}  // namespace

Answer get_flame_graph(Call& call) {
  ProfileWish wish{.stage = call.plan->pipeline.stages[call.stage].name, .duration = kSampled};
  STREAM_HTTP_ASSIGN(wish.states, states_of(call.value("type")));
  if (const std::string number = call.value("subtaskindex"); !number.empty()) {
    const auto instance = parse_integer(number);
    const std::uint32_t parallelism = call.plan->stages[call.stage].parallelism;
    if (!instance.ok() || *instance < 0 || *instance >= parallelism)
      return refuse(404, "vertex '" + wish.stage + "' has no subtask '" + number + "'; it has " +
                             std::to_string(parallelism) + ", from 0");
    wish.instance = static_cast<std::uint32_t>(*instance);
  }
  if (facts_of(*call.job.summary, call.site.now_ms).over) return answer_with({{"endTimestamp", kFlameTerminated}});
  STREAM_HTTP_ASSIGN(const Json graph, call.flames.look(call.job.name, wish));
  return answer_with(graph);
}

}  // namespace stream::http
