#include "supervisor/lookup_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "snapshot/grouping.h"
#include "snapshot/point_lookup.h"
#include "supervisor/attempt.h"
#include "transport/base/json_fields.h"

namespace stream {
namespace {

using nlohmann::json;

Result<std::uint32_t> owner_of_key(const TableSpec& spec, const json& key, std::uint32_t key_groups,
                                   std::uint32_t parallelism) {
  if (spec.distribution == Distribution::kBroadcast) return 0;
  STREAM_ASSIGN(const Batch row, row_of_texts(spec, key, spec.key.size()));
  const std::uint64_t hash = group_hashes(spec, row)[0];
  if (spec.distribution == Distribution::kSplit) return owner_of_split(hash, parallelism);
  if (spec.distribution == Distribution::kKeyed)
    return owner_of(key_group_of(hash, key_groups), key_groups, parallelism);
  return usage_error("rows of state table '" + spec.name +
                     "' have no place by their keys; ask the newest checkpoint, without --live");
}

}  // namespace

Result<LookupRequest> lookup_request(const JobPlan& plan, std::string_view text) {
  const json request = json::parse(text, nullptr, false);
  if (!request.is_object()) return usage_error("not a request");
  const std::string stage = text_at(request, "stage");
  const auto spec = std::ranges::find(plan.pipeline.stages, stage, &StageSpec::name);
  if (spec == plan.pipeline.stages.end()) return usage_error("there is no stage '" + stage + "'");
  const PlannedStage& planned = plan.stages[static_cast<std::size_t>(spec - plan.pipeline.stages.begin())];
  const std::string name = text_at(request, "table");
  const auto table = std::ranges::find(planned.answer.state, name, &TableSpec::name);
  if (table == planned.answer.state.end())
    return usage_error("stage '" + stage + "' keeps no state table '" + name + "'");
  const json key = request.value("key", json());
  STREAM_ASSIGN(const std::uint32_t instance, owner_of_key(*table, key, plan.pipeline.key_groups, planned.parallelism));
  return LookupRequest{stage, instance,
                       json{{"socket", text_at(request, "socket")}, {"table", name}, {"key", key}}.dump(
                           -1, ' ', false, json::error_handler_t::replace)};
}

Status send_lookup(AttemptRun& attempt, const LookupRequest& lookup) {
  for (std::uint32_t i = 0; i < attempt.instances().size(); ++i) {
    const std::string& label = attempt.instances()[i].label;
    if (label != lookup.stage + "." + std::to_string(lookup.instance)) continue;
    STREAM_TRY(attempt.check_here(InstanceIndex(i), "asked for its state"));
    return attempt.send(InstanceIndex(i), {"lookup", 0, lookup.note, {}});
  }
  return failed("instance " + std::to_string(lookup.instance) + " of stage '" + lookup.stage + "' is not there");
}

}  // namespace stream
