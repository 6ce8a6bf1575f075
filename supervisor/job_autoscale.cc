#include "supervisor/job_autoscale.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "supervisor/job_runner.h"
#include "supervisor/live_rescale.h"
#include "transport/base/text.h"

namespace stream {

using autoscale::Mode;
using autoscale::StageDecision;
using nlohmann::json;

namespace {

std::uint32_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

std::string text_of(const std::vector<StageDecision>& decisions) {
  std::vector<std::string> texts;
  for (const StageDecision& decision : decisions) texts.push_back(to_text(decision));
  return join(texts, "; ");
}

json to_json(const StageDecision& d) {
  json out = {{"stage", d.name},          {"min", d.least},     {"max", d.most},
              {"parallelism", d.current}, {"target", d.target}, {"verdict", autoscale::to_string(d.verdict)}};
  if (!d.load.known) return out;
  out.update({{"wanted", d.wanted},
              {"busy", d.load.busy},
              {"rate", d.load.rate},
              {"true_rate", d.load.true_rate},
              {"demand", d.load.demand},
              {"catch_up", d.load.catch_up},
              {"required", d.required}});
  if (d.load.backlog) out["pending_records"] = *d.load.backlog;
  return out;
}

}  // namespace

std::string memory_to_json(const ElasticMemory& memory) {
  json out = {{"wanted", memory.wanted}, {"changes", json::object()}};
  for (const auto& [stage, change] : memory.changes) {
    out["changes"][stage] = {{"at_us", change.at},
                             {"from", change.from},
                             {"to", change.to},
                             {"true_rate", change.true_rate},
                             {"expected", change.expected}};
  }
  return out.dump();
}

ElasticMemory memory_from_json(const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  ElasticMemory memory;
  try {
    in.at("wanted").get_to(memory.wanted);
    for (const auto& [stage, change] : in.at("changes").items()) {
      memory.changes[stage] = {change.at("at_us"), change.at("from"), change.at("to"), change.at("true_rate"),
                               change.at("expected")};
    }
  } catch (const json::exception&) { return {}; }
  return memory;
}

JobAutoscale::JobAutoscale(JobRunner& runner) : runner_(runner) {}

Status JobAutoscale::load(bool goes_on) {
  STREAM_ASSIGN(const std::string text, runner_.store_->elastic_memory());
  if (goes_on) memory_ = memory_from_json(text);
  return goes_on || text.empty() ? Status() : save();
}

Status JobAutoscale::save() { return runner_.store_->save_elastic_memory(memory_to_json(memory_)); }

InstanceNumbers JobAutoscale::fitting(const InstanceNumbers& wanted) const {
  return fitting_numbers(runner_.plan_, wanted, runner_.launcher_->lost(), cores());
}

Status JobAutoscale::fit() {
  looked_at_.reset();
  // What is being tried has its own numbers, until it is known whether it stays.
  if (runner_.rescale_ || runner_.upgrade_ || !has_bounds(runner_.plan_)) return {};
  Renumbered next = renumbered(runner_.plan_, fitting(memory_.wanted));
  for (const std::string& why : next.refused) tell_held(why);
  if (next.changed.empty()) return {};
  std::vector<std::string> parts;
  for (const RescaleWish& wish : next.changed) parts.push_back(wish.stage + " " + std::to_string(wish.parallelism));
  runner_.plan_ = std::move(next.plan);
  runner_.record_.plan = plan_to_json(runner_.plan_);
  runner_.record_.manifest = pipeline_to_json(runner_.plan_.pipeline);
  runner_.event("scaled", "instances as there is room: " + join(parts, ", "));
  return {};
}

// Whether what the instances do tells anything, and there is somebody to ask.
bool JobAutoscale::may_look() const {
  const JobRunner& runner = runner_;
  if (runner.phase_ != Phase::kRunning || !runner.coordinator_ || runner.attempt_ == nullptr) return false;
  if (runner.rescale_ || runner.upgrade_ || runner.stop_wanted_ || runner.drain_wanted_) return false;
  if (runner.coordinator_->ending() || runner.leaving_until_) return false;
  return std::ranges::none_of(runner.attempt_->instances(), [](const InstanceState& state) { return state.ended; });
}

// A savepoint that somebody waits for comes first.
bool JobAutoscale::may_change() const {
  return runner_.savepoints_due_.empty() && !runner_.savepoint_wanted_ && !runner_.stop_savepoint_due_;
}

JobAutoscale::Room JobAutoscale::room() const { return {runner_.launcher_->lost(), runner_.record_.attempt.value()}; }

void JobAutoscale::follow_mode() {
  const autoscale::Settings& settings = runner_.plan_.pipeline.autoscale;
  if (autoscaler_ && autoscaler_->settings() == settings) return;
  autoscaler_.emplace(settings, memory_.changes);
  attempt_ = 0;
  decisions_.clear();
}

Microseconds JobAutoscale::next() const { return has_bounds(runner_.plan_) ? next_ : INT64_MAX; }

Status JobAutoscale::turn(Microseconds now) {
  if (now < next_) return {};
  follow_mode();
  next_ = now + autoscaler_->settings().interval;
  if (!has_bounds(runner_.plan_) || !may_look()) return {};
  if (attempt_ != runner_.record_.attempt.value()) {
    attempt_ = runner_.record_.attempt.value();
    autoscaler_->settle(now);
  }
  if (may_change()) STREAM_TRY(follow_room());
  if (autoscaler_->settings().mode == Mode::kOff || !may_look()) return {};
  if (auto seen = sample(now)) autoscaler_->observe(*std::move(seen));
  return decide(now);
}

// There is more room than before, or less.
Status JobAutoscale::follow_room() {
  Room now = room();
  if (looked_at_ == now) return {};
  looked_at_ = std::move(now);
  Renumbered next = renumbered(runner_.plan_, fitting(memory_.wanted));
  if (next.changed.empty()) return {};
  return change(std::move(next), Cause::kRoom);
}

autoscale::Graph JobAutoscale::graph() const {
  const JobPlan& plan = runner_.plan_;
  autoscale::Graph out;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const StageSpec& spec = plan.pipeline.stages[i];
    out.stages.push_back({.name = spec.name,
                          .source = plan.stages[i].role == StageRole::kSource,
                          .parallelism = plan.stages[i].parallelism,
                          .least = spec.bounds.least,
                          .most = spec.bounds.most});
  }
  for (const PlannedEdge& edge : plan.edges) {
    out.edges.push_back({edge.from, edge.to});
    if (edge.kind == EdgeKind::kHash) out.stages[edge.to].key_groups = plan.pipeline.key_groups;
  }
  out.order = plan.order;
  return out;
}

// Nothing, while an instance has not said anything yet.
std::optional<autoscale::Sample> JobAutoscale::sample(Microseconds now) const {
  autoscale::Sample out{now, std::vector<autoscale::StageCount>(runner_.plan_.stages.size())};
  std::vector<bool> tells(out.stages.size(), true);
  for (const InstanceState& state : runner_.attempt_->instances()) {
    if (state.stats_at == 0) return std::nullopt;
    autoscale::StageCount& stage = out.stages[state.name.stage];
    const InstanceStats& stats = state.stats;
    stage.instances.push_back(
        {stats.records_in, stats.records_out, stats.total_us, stats.idle_us, stats.backpressured_us});
    tells[state.name.stage] = tells[state.name.stage] && stats.pending_records >= 0;
    stage.backlog = stage.backlog.value_or(0) + static_cast<double>(std::max<std::int64_t>(0, stats.pending_records));
  }
  for (std::size_t i = 0; i < tells.size(); ++i) {
    if (!tells[i]) out.stages[i].backlog.reset();
  }
  return out;
}

Status JobAutoscale::decide(Microseconds now) {
  const Microseconds wall = system_clock().wall_us();
  decisions_ = autoscaler_->decide(graph(), now, wall);
  std::vector<StageDecision> changes;
  for (const StageDecision& decision : decisions_) {
    if (decision.target != decision.current) changes.push_back(decision);
    if (decision.verdict == autoscale::Verdict::kIneffective) tell_held(to_text(decision));
  }
  if (autoscaler_->settings().mode == Mode::kAdvice) {
    advise(changes);
    return {};
  }
  if (changes.empty() || !may_change()) return {};
  InstanceNumbers wanted = memory_.wanted;
  for (const StageDecision& change : changes) wanted[change.name] = change.target;
  Renumbered next = renumbered(runner_.plan_, fitting(wanted));
  for (const std::string& why : next.refused) tell_held(why);
  std::erase_if(changes, [&](const StageDecision& change) {
    return std::ranges::find(next.changed, change.name, &RescaleWish::stage) == next.changed.end();
  });
  if (changes.empty()) {
    if (next.refused.empty()) tell_held("no host has room for what would be right");
    autoscaler_->settle(now);
    return {};
  }
  before_ = memory_;
  for (const StageDecision& change : changes) {
    memory_.wanted[change.name] = change.target;
    autoscaler_->acted(change, wall);
  }
  memory_.changes = autoscaler_->changes();
  STREAM_TRY(save());
  runner_.event("autoscale", text_of(changes));
  runner_.log_->info("autoscale: " + text_of(changes));
  return change(std::move(next), Cause::kNumbers);
}

// Again only when it would be something else.
void JobAutoscale::advise(const std::vector<StageDecision>& changes) {
  std::string what;
  for (const StageDecision& change : changes) what += change.name + "=" + std::to_string(change.target) + " ";
  if (what == told_) return;
  told_ = what;
  if (changes.empty()) return;
  what.pop_back();
  const std::string text = text_of(changes) + "; 'stream rescale " + runner_.paths_.job + " " + what + "' does it";
  runner_.event("autoscale-advice", text);
  runner_.log_->info("autoscale advises: " + text);
}

void JobAutoscale::tell_held(const std::string& text) {
  // Numbers in it differ each time: what stands before them tells one from another.
  const std::string what = "held " + text.substr(0, text.find(';'));
  if (what == told_) return;
  told_ = what;
  runner_.event("autoscale-held", text);
}

Status JobAutoscale::change(Renumbered next, Cause cause) {
  cause_ = cause;
  auto begun = LiveRescale::begin(runner_, std::move(next.changed));
  if (!begun.ok() || *begun == nullptr) {
    on_rescale_failed();
    if (!begun.ok()) tell_held(begun.status().what());
    return {};
  }
  runner_.rescale_ = *std::move(begun);
  return {};
}

void JobAutoscale::complete(std::vector<RescaleWish>& wishes) const {
  for (RescaleWish& wish : wishes) {
    const StageSpec* spec = runner_.plan_.pipeline.find(wish.stage);
    if (!wish.bounds || spec == nullptr || wish.parallelism != 0) continue;
    const auto at = static_cast<std::size_t>(spec - runner_.plan_.pipeline.stages.data());
    const bool off = runner_.plan_.pipeline.autoscale.mode == Mode::kOff;
    wish.parallelism = off ? wish.bounds->most : wish.bounds->clamp(runner_.plan_.stages[at].parallelism);
  }
}

void JobAutoscale::on_rescaled(const std::set<std::size_t>& stages) {
  const Cause cause = std::exchange(cause_, Cause::kUser);
  told_.clear();
  if (cause != Cause::kUser) return;
  for (const std::size_t at : stages) {
    const StageSpec& spec = runner_.plan_.pipeline.stages[at];
    memory_.changes.erase(spec.name);
    if (spec.bounds.given()) memory_.wanted[spec.name] = runner_.plan_.stages[at].parallelism;
  }
  autoscaler_.reset();
  runner_.stored(save());
}

void JobAutoscale::on_rescale_failed() {
  if (std::exchange(cause_, Cause::kUser) != Cause::kNumbers) return;
  memory_ = before_;
  autoscaler_.reset();
  runner_.stored(save());
}

void JobAutoscale::on_bounds_changed() {
  autoscaler_.reset();
  looked_at_.reset();
  told_.clear();
}

json JobAutoscale::view() const {
  if (!has_bounds(runner_.plan_)) return {};
  json out = {{"mode", autoscale::to_string(runner_.plan_.pipeline.autoscale.mode)}, {"stages", json::array()}};
  for (std::size_t i = 0; i < runner_.plan_.stages.size(); ++i) {
    const StageSpec& spec = runner_.plan_.pipeline.stages[i];
    if (!spec.bounds.given()) continue;
    const auto decided = std::ranges::find(decisions_, spec.name, &StageDecision::name);
    const std::uint32_t now = runner_.plan_.stages[i].parallelism;
    if (decided != decisions_.end() && decided->current == now) {
      out["stages"].push_back(to_json(*decided));
    } else {
      out["stages"].push_back(
          {{"stage", spec.name}, {"min", spec.bounds.least}, {"max", spec.bounds.most}, {"parallelism", now}});
    }
  }
  return out;
}

}  // namespace stream
