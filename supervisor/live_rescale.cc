#include "supervisor/live_rescale.h"

#include <nlohmann/json.hpp>

#include "supervisor/job_runner.h"
#include "supervisor/job_verbs.h"
#include "transport/base/text.h"

namespace stream {

using nlohmann::json;

Result<std::vector<RescaleWish>> rescale_wishes(const std::string& request) {
  const json parsed = json::parse(request, nullptr, false);
  std::vector<RescaleWish> wishes;
  try {
    for (const json& wish : parsed.at("stages"))
      wishes.push_back({wish.at("stage").get<std::string>(), wish.at("parallelism").get<std::uint32_t>()});
  } catch (const json::exception&) { return usage_error("'rescale' needs stages, each with a parallelism"); }
  return wishes;
}

LiveRescale::LiveRescale(JobRunner& runner, JobPlan next, RescalePlan steps)
    : runner_(runner), before_(runner.plan_), next_(std::move(next)), steps_(std::move(steps)), flow_({}, true) {}

Result<std::unique_ptr<LiveRescale>> LiveRescale::begin(JobRunner& runner, std::vector<RescaleWish> wishes) {
  const std::string job = "job '" + runner.paths_.job + "' ";
  if (runner.rescale_) return failed(job + "is being rescaled already; ask again when that is done");
  STREAM_ASSIGN(JobPlan next, rescaled(runner.plan_, wishes));
  RescalePlan steps = plan_rescale(runner.plan_, next);
  if (steps.nothing()) return std::unique_ptr<LiveRescale>();
  if (!runner.coordinator_ || runner.phase_ != Phase::kRunning) {
    return failed(job + "is " + std::string(to_string(runner.phase_)) + "; it can be rescaled when it is RUNNING");
  }
  if (runner.coordinator_->ending()) return failed(job + "has no more input and is about to finish");
  std::unique_ptr<LiveRescale> rescale(new LiveRescale(runner, std::move(next), std::move(steps)));
  runner.phase_ = Phase::kRescaling;
  runner.coordinator_->pause();
  runner.event("rescaling", rescale->changes());
  runner.log_->info("rescales " + rescale->changes());
  return rescale;
}

std::string LiveRescale::changes() const {
  std::string text;
  for (const std::size_t stage : steps_.restarts) {
    text += (text.empty() ? "" : ", ") + next_.pipeline.stages[stage].name + " from " +
            std::to_string(before_.stages[stage].parallelism) + " to " +
            std::to_string(next_.stages[stage].parallelism);
  }
  return text;
}

Status LiveRescale::turn(Microseconds now) {
  if (runner_.coordinator_ && !flow_.switching() && flow_.phase() != RescalePhase::kCutting) {
    if (runner_.coordinator_->ending()) { return release("its input has ended, and it finishes by itself"); }
    if (runner_.coordinator_->may_cut(now)) STREAM_TRY(act(flow_.quiet(runner_.coordinator_->next(), now)));
  }
  if (const auto epoch = std::exchange(committed_, std::nullopt)) STREAM_TRY(act(flow_.committed(*epoch, now)));
  if (const auto aborted = std::exchange(aborted_, std::nullopt)) {
    const std::string what = "checkpoint " + std::to_string(aborted->first.value()) + " was aborted: ";
    STREAM_TRY(act(flow_.aborted(aborted->first, what + aborted->second)));
  }
  return act(flow_.tick(now));
}

Status LiveRescale::act(const RescaleFlow::Actions& actions) {
  for (const RescaleAction& action : actions) STREAM_TRY(act(action));
  return {};
}

Status LiveRescale::act(const RescaleAction& action) {
  using Kind = RescaleAction::Kind;
  switch (action.kind) {
    case Kind::kHold: return {};
    case Kind::kCut: return runner_.act(runner_.coordinator_->cut(system_clock().monotonic_us()));
    case Kind::kRelease: return release(action.reason);
    case Kind::kRewire: return {};
    case Kind::kRetire: return {};
    case Kind::kStart: return {};
    case Kind::kRestart: return restart();
    case Kind::kFinish: return finish();
    case Kind::kFail: return failed(action.reason);
  }
  return {};
}

Status LiveRescale::on_ready() { return act(flow_.ready()); }

// Nothing has changed: all go on as they were.
Status LiveRescale::release(const std::string& reason) {
  tell_failure(reason + "; it runs on as it was");
  return go_on();
}

// What was asked for meanwhile comes now.
Status LiveRescale::go_on() {
  const Microseconds now = system_clock().monotonic_us();
  const bool stops = runner_.stop_wanted_ || runner_.drain_wanted_;
  runner_.phase_ = stops ? Phase::kStopping : Phase::kRunning;
  if (stops) STREAM_TRY(runner_.act(runner_.coordinator_->stop(runner_.drain_wanted_, now)));
  return runner_.act(runner_.coordinator_->go_on(now));
}

void LiveRescale::tell_failure(const std::string& text) {
  done_ = true;
  const std::string whole = "job '" + runner_.paths_.job + "' was not rescaled: " + text;
  runner_.event("rescale-failed", text);
  runner_.log_->warning(whole);
  runner_.verbs_->on_rescaled(failed(whole));
}

Status LiveRescale::restart() {
  still_since_ = system_clock().wall_us();
  runner_.plan_ = next_;
  return runner_.begin_attempt();
}

Status LiveRescale::finish() {
  JobRecord record = runner_.record_;
  record.plan = plan_to_json(next_);
  record.manifest = pipeline_to_json(next_.pipeline);
  STREAM_TRY(runner_.store_->save(record));
  runner_.record_ = std::move(record);
  runner_.plan_ = next_;
  done_ = true;
  const std::string text = changes() + " at checkpoint " + std::to_string(flow_.epoch().value()) + " in " +
                           format_duration(stood_still() / 1000 * 1000) +
                           (flow_.whole() ? "; all processes were started anew" : "");
  runner_.event("rescaled", text);
  runner_.log_->info("rescaled " + text);
  runner_.verbs_->on_rescaled(answer());
  return {};
}

Microseconds LiveRescale::stood_still() const { return system_clock().wall_us() - still_since_; }

std::string LiveRescale::answer() const {
  json out = {{"ok", true},
              {"epoch", flow_.epoch().value()},
              {"downtime_us", stood_still()},
              {"kept_processes", kept_},
              {"stages", json::array()}};
  for (const std::size_t stage : steps_.restarts) {
    out["stages"].push_back({{"stage", next_.pipeline.stages[stage].name},
                             {"from", before_.stages[stage].parallelism},
                             {"to", next_.stages[stage].parallelism}});
  }
  return out.dump();
}

void LiveRescale::give_up(const std::string& cause) {
  if (done_) return;
  runner_.plan_ = before_;
  tell_failure(cause + "; it goes on from its newest checkpoint as it was");
}

}  // namespace stream
