#include "supervisor/going_back.h"

#include <algorithm>
#include <vector>

#include "transport/base/text.h"

namespace stream {
namespace {

std::string checkpoint(Epoch epoch) { return "checkpoint " + std::to_string(epoch.value()); }

// Sinks that have something to take back, each with what it can do.
std::vector<std::string> abilities(const JobPlan& plan) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::string& goes_back = plan.stages[i].answer.goes_back;
    if (goes_back.empty()) continue;
    const std::string can = goes_back == "all"        ? "can"
                            : goes_back == "inserted" ? "can, if nothing was replaced since"
                                                      : "cannot";
    all.push_back("'" + plan.pipeline.stages[i].name + "' " + can);
  }
  return all;
}

Status not_its_own(const GoingBack& what) {
  return failed(what.to + " is not of what '" + what.job +
                "' has come from since: its sinks cannot tell what to take back; say with --outputs beside that this "
                "run writes elsewhere, or go on with --accept-duplicates");
}

}  // namespace

Result<SinksDo> decide_going_back(const GoingBack& what, const JobPlan& plan) {
  if (what.outputs == Outputs::kBeside || !what.known) return SinksDo::kBegin;
  const std::vector<std::string> sinks = abilities(plan);
  const bool asked = what.outputs == Outputs::kRewind || what.accept_duplicates;
  if (!what.its_own) {
    if (what.of_its_name && !sinks.empty() && !what.accept_duplicates) return not_its_own(what);
    return SinksDo::kBegin;
  }
  if (what.going_back && *what.going_back < what.epoch) {
    return failed(what.to + " is ahead of " + checkpoint(*what.going_back) +
                  ", to which sinks are just going back; go on from there first");
  }
  const Epoch written = std::max(what.newest, what.going_back.value_or(Epoch(0)));
  if (written <= what.epoch) return what.going_back ? SinksDo::kRewind : SinksDo::kGoOn;
  if (sinks.empty() || asked) return SinksDo::kRewind;
  return failed(what.to + " is behind " + checkpoint(written) +
                ", whose rows are written: say with --outputs rewind that they are to be taken back (" +
                join(sinks, ", ") + "), or with --outputs beside that this run writes elsewhere");
}

}  // namespace stream
