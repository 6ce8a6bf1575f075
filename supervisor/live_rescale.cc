#include "supervisor/live_rescale.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/job_autoscale.h"
#include "supervisor/job_runner.h"
#include "supervisor/job_verbs.h"
#include "transport/base/text.h"

namespace stream {

using nlohmann::json;

Result<std::vector<RescaleWish>> rescale_wishes(const std::string& request) {
  const json parsed = json::parse(request, nullptr, false);
  std::vector<RescaleWish> wishes;
  try {
    for (const json& wish : parsed.at("stages")) {
      RescaleWish& read = wishes.emplace_back(RescaleWish{wish.at("stage").get<std::string>(), 0, {}});
      if (wish.contains("parallelism")) wish.at("parallelism").get_to(read.parallelism);
      if (wish.contains("max")) read.bounds = InstanceBounds{wish.at("min"), wish.at("max")};
    }
  } catch (const json::exception&) {
    return usage_error("'rescale' needs stages, each with a parallelism or with min and max");
  }
  for (const RescaleWish& wish : wishes) {
    if (wish.bounds) STREAM_TRY(parse_bounds(to_string(*wish.bounds)).status());
  }
  return wishes;
}

json bounds_of(const std::vector<RescaleWish>& wishes) {
  json out = json::array();
  for (const RescaleWish& wish : wishes) {
    if (wish.bounds) out.push_back({{"stage", wish.stage}, {"min", wish.bounds->least}, {"max", wish.bounds->most}});
  }
  return out;
}

LiveRescale::LiveRescale(JobRunner& runner, std::vector<RescaleWish> wishes, JobPlan next, RescalePlan steps)
    : runner_(runner),
      before_(runner.plan_),
      next_(std::move(next)),
      steps_(std::move(steps)),
      wishes_(std::move(wishes)),
      flow_(concerned(), !steps_.whole.empty()) {}

// A stage that does not know how its neighbours are replaced, by whoever it was written, is started anew with all
// others.
std::string LiveRescale::why_whole(const JobRunner& runner, const RescalePlan& steps) {
  for (const InstanceState& state : runner.attempt_->instances()) {
    const bool concerned = steps.restarts.contains(state.name.stage) || steps.rewires.contains(state.name.stage);
    if (concerned && !state.can_rescale)
      return "'" + runner.plan_.pipeline.stages[state.name.stage].run + "' does not know how to go on beside it";
  }
  return {};
}

// Those that stop at the barrier, and those that hold back what is for them.
std::set<InstanceIndex> LiveRescale::concerned() const {
  std::set<InstanceIndex> out;
  const auto& instances = runner_.attempt_->instances();
  for (std::uint32_t i = 0; i < instances.size(); ++i) {
    const bool stops = steps_.restarts.contains(instances[i].name.stage);
    if (stops || !channels_to_hold(InstanceIndex(i)).empty()) out.insert(InstanceIndex(i));
  }
  return out;
}

std::vector<std::uint32_t> LiveRescale::channels_to_hold(InstanceIndex instance) const {
  const InstanceName& name = runner_.attempt_->instances()[instance.value()].name;
  std::vector<std::uint32_t> out;
  for (const Channel& channel : runner_.attempt_->channels()) {
    const PlannedEdge& edge = before_.edges[channel.edge];
    if (edge.from != name.stage || channel.from_instance != name.instance) continue;
    if (steps_.restarts.contains(edge.to)) out.push_back(channel.id.value());
  }
  return out;
}

Result<std::unique_ptr<LiveRescale>> LiveRescale::begin(JobRunner& runner, std::vector<RescaleWish> wishes) {
  const std::string job = "job '" + runner.paths_.job + "' ";
  if (runner.rescale_) return failed(job + "is being rescaled already; ask again when that is done");
  runner.autoscale_->complete(wishes);
  STREAM_ASSIGN(JobPlan next, rescaled(runner.plan_, wishes));
  RescalePlan steps = plan_rescale(runner.plan_, next);
  const bool bounds = std::ranges::any_of(wishes, [](const RescaleWish& wish) { return wish.bounds.has_value(); });
  if (steps.nothing() && !bounds) return std::unique_ptr<LiveRescale>();
  if (!runner.coordinator_ || runner.phase_ != Phase::kRunning) {
    return failed(job + "is " + std::string(to_string(runner.phase_)) + "; it can be rescaled when it is RUNNING");
  }
  if (runner.upgrade_) return failed(job + "is being upgraded; ask again when that is done");
  if (runner.coordinator_->ending()) return failed(job + "has no more input and is about to finish");
  STREAM_TRY(runner.places_for(next, &steps.restarts).status());
  if (steps.nothing()) {
    STREAM_TRY(keep(runner, std::move(next)));
    runner.autoscale_->on_bounds_changed();
    return std::unique_ptr<LiveRescale>();
  }
  if (steps.whole.empty()) steps.whole = why_whole(runner, steps);
  std::unique_ptr<LiveRescale> rescale(new LiveRescale(runner, std::move(wishes), std::move(next), std::move(steps)));
  runner.phase_ = Phase::kRescaling;
  runner.coordinator_->pause();
  runner.event("rescaling", rescale->changes());
  runner.log_->info("rescales " + rescale->changes());
  return rescale;
}

std::string LiveRescale::changes() const {
  std::string text;
  for (const std::size_t stage : steps_.rescaled) {
    text += (text.empty() ? "" : ", ") + next_.pipeline.stages[stage].name + " from " +
            std::to_string(before_.stages[stage].parallelism) + " to " +
            std::to_string(next_.stages[stage].parallelism);
  }
  if (!steps_.refed.empty()) text += ", and " + join(names_of(steps_.refed), ", ") + " anew, fed one by one till now";
  return text;
}

std::vector<std::string> LiveRescale::names_of(const std::set<std::size_t>& stages) const {
  std::vector<std::string> out;
  for (const std::size_t stage : stages) out.push_back(next_.pipeline.stages[stage].name);
  return out;
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
    case Kind::kHold: return hold();
    case Kind::kCut: return runner_.act(runner_.coordinator_->cut(system_clock().monotonic_us()));
    case Kind::kRelease: return release(action.reason);
    case Kind::kRewire: return rewire();
    case Kind::kRetire: return runner_.attempt_->retire();
    case Kind::kStart: return runner_.attempt_->begin_new();
    case Kind::kRestart: return restart();
    case Kind::kFinish: return finish();
    case Kind::kFail: return failed(action.reason);
  }
  return {};
}

Status LiveRescale::on_ready() { return act(flow_.ready()); }
Status LiveRescale::on_holding(InstanceIndex instance, Epoch epoch) { return act(flow_.holding(instance, epoch)); }
Status LiveRescale::on_detached() { return act(flow_.detached(system_clock().monotonic_us())); }
Status LiveRescale::on_retired() { return act(flow_.retired()); }

Status LiveRescale::start_new() {
  runner_.verbs_->on_ready(steps_.restarts);
  STREAM_TRY(runner_.attempt_->start_sources(steps_.restarts));
  runner_.phase_ = runner_.stop_wanted_ || runner_.drain_wanted_ ? Phase::kStopping : Phase::kRunning;
  return {};
}

Status LiveRescale::hold() {
  for (const InstanceIndex instance : concerned()) {
    Note note{"hold", flow_.epoch().value(), "", {}};
    note.channels = channels_to_hold(instance);
    const std::size_t stage = runner_.attempt_->instances()[instance.value()].name.stage;
    if (steps_.restarts.contains(stage)) note.text = kHoldAll;
    STREAM_TRY(runner_.attempt_->send(instance, note));
  }
  return {};
}

Status LiveRescale::send_release() {
  if (flow_.epoch() == Epoch(0)) return {};  // nobody was told to hold
  for (const InstanceIndex instance : concerned()) {
    const bool told = runner_.attempt_->instances()[instance.value()].can_rescale;
    if (told) STREAM_TRY(runner_.attempt_->send(instance, {"release", flow_.epoch().value(), "", {}}));
  }
  return {};
}

Status LiveRescale::rewire() {
  JobRunner& runner = runner_;
  still_since_ = system_clock().wall_us();
  for (const InstanceState& state : runner.attempt_->instances()) {
    if (!steps_.restarts.contains(state.name.stage)) {
      ++kept_;
    } else if (state.snapshot && state.snapshot->epoch == flow_.epoch().value()) {
      still_since_ = std::min(still_since_, state.snapshot->start_wall_us);
    }
  }
  runner.record_.attempt = runner.record_.attempt.next();
  STREAM_TRY(runner.save_record());  // durable before any process of it exists
  runner.note_attempt();
  STREAM_TRY(runner.place_instances(next_, &steps_.restarts));
  const std::vector<Channel> channels =
      rewired_channels(runner.attempt_->channels(), next_, steps_, runner.record_.attempt);
  std::vector<Assignment> assignments = make_assignments(next_, channels, runner.attempt_start());
  runner.set_stats_every(assignments);
  runner.log_->set_context(runner.record_.attempt, runner.last_complete_);
  return runner.attempt_->rewire(next_, steps_, channels, std::move(assignments));
}

// Nothing has changed: all go on as they were.
Status LiveRescale::release(const std::string& reason) {
  STREAM_TRY(send_release());
  tell_failure(reason + "; it runs on as it was");
  return go_on();
}

// What was asked for meanwhile comes now.
Status LiveRescale::go_on() {
  const Microseconds now = system_clock().monotonic_us();
  const bool stops = runner_.stop_wanted_ || runner_.drain_wanted_;
  runner_.phase_ = stops ? Phase::kStopping : Phase::kRunning;
  if (stops) STREAM_TRY(runner_.act(runner_.coordinator_->stop(runner_.drain_wanted_, now)));
  if (!stops) runner_.verbs_->on_running();
  return runner_.act(runner_.coordinator_->go_on(now));
}

void LiveRescale::tell_failure(const std::string& text) {
  done_ = true;
  const std::string whole = "job '" + runner_.paths_.job + "' was not rescaled: " + text;
  runner_.event("rescale-failed", text);
  runner_.autoscale_->on_rescale_failed();
  runner_.log_->warning(whole);
  runner_.verbs_->on_rescaled(failed(whole));
}

Status LiveRescale::restart() {
  still_since_ = system_clock().wall_us();
  runner_.plan_ = next_;
  return runner_.begin_attempt();
}

// The plan is that of the job from now on.
Status LiveRescale::keep(JobRunner& runner, JobPlan next) {
  JobRecord record = runner.record_;
  record.plan = plan_to_json(next);
  record.manifest = pipeline_to_json(next.pipeline);
  STREAM_TRY(runner.store_->save(record));
  runner.record_ = std::move(record);
  runner.plan_ = std::move(next);
  return {};
}

Status LiveRescale::finish() {
  STREAM_TRY(keep(runner_, next_));
  runner_.autoscale_->on_rescaled(steps_.rescaled);
  done_ = true;
  const std::string text = changes() + " at checkpoint " + std::to_string(flow_.epoch().value()) + " in " +
                           format_duration(stood_still() / 1000 * 1000) +
                           (flow_.whole() ? "; all processes were started anew: " + steps_.whole : "");
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
              {"stages", json::array()},
              {"also_anew", names_of(steps_.refed)}};
  if (json bounds = bounds_of(wishes_); !bounds.empty()) out["bounds"] = std::move(bounds);
  if (flow_.whole()) out["all_because"] = steps_.whole.empty() ? "somebody did not answer" : steps_.whole;
  for (const std::size_t stage : steps_.rescaled) {
    out["stages"].push_back({{"stage", next_.pipeline.stages[stage].name},
                             {"from", before_.stages[stage].parallelism},
                             {"to", next_.stages[stage].parallelism}});
  }
  return out.dump();
}

void LiveRescale::give_up(const std::string& cause) {
  if (done_) return;
  runner_.plan_ = before_;
  tell_failure(cause + "; its number of instances is what it was");
}

}  // namespace stream
