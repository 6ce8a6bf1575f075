#include "supervisor/autoscale/autoscaler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace stream::autoscale {
namespace {

constexpr double kRounding = 1e-9;

// So many instances do as much as this many that all have the same to do: the one with the most key groups is the one
// that limits them.
double effective(const StageFacts& stage, std::uint32_t instances) {
  if (stage.key_groups == 0) return instances;
  const std::uint32_t most = (stage.key_groups + instances - 1) / instances;
  return static_cast<double>(stage.key_groups) / most;
}

std::string rate_text(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, rate < 10 ? "%.1f/s" : "%.0f/s", rate);
  return text;
}

std::string verdict_text(const StageDecision& d) {
  const std::string wanted = std::to_string(d.wanted);
  switch (d.verdict) {
    case Verdict::kSettling: return "numbers are being gathered";
    case Verdict::kNoData: return "nothing could be measured";
    case Verdict::kWithin: return "has what it needs";
    case Verdict::kUp: return "more are needed";
    case Verdict::kDown: return "fewer are enough";
    case Verdict::kBounded:
      return "its bounds " + std::to_string(d.least) + ".." + std::to_string(d.most) + " allow no other number";
    case Verdict::kIneffective: return "the last that were added did not help, so " + wanted + " would not either";
    case Verdict::kGrace: return wanted + " would do, but some were added a short time ago";
    case Verdict::kWaiting: return wanted + " would do, but not for long enough yet";
    case Verdict::kExcluded: return wanted + " would be right, but nothing is changed in this period";
  }
  return "";
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 10> kNames = {"settling", "no-data",     "within", "up",      "down",
                                                       "bounded",  "ineffective", "grace",  "waiting", "excluded"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string to_text(const StageDecision& d) {
  std::string text = d.name + " " + std::to_string(d.current);
  if (d.target != d.current) text += " -> " + std::to_string(d.target);
  text += ": " + verdict_text(d);
  if (d.verdict == Verdict::kSettling || d.verdict == Verdict::kNoData) return text;
  char busy[16];
  std::snprintf(busy, sizeof busy, "%.0f%%", d.load.busy * 100);
  text += "; busy " + std::string(busy) + ", takes " + rate_text(d.load.rate) + " of at most " +
          rate_text(d.load.true_rate) + ", should take " + rate_text(d.required) + " (" + rate_text(d.load.demand) +
          " come in";
  if (d.load.catch_up > 0) text += ", " + rate_text(d.load.catch_up) + " to catch up";
  return text + ")";
}

std::uint32_t parallelism_for(const StageFacts& stage, double factor, const Settings& settings) {
  const double up = 1 + settings.scale_up_max_factor;
  const double down = 1 - settings.scale_down_max_factor;
  const double needed = std::clamp(factor, down, up) * effective(stage, stage.parallelism);
  const std::uint32_t groups = stage.key_groups == 0 ? UINT32_MAX : stage.key_groups;
  const std::uint32_t most = std::min(stage.most, groups);
  const std::uint32_t least = std::min(std::max(1U, stage.least), most);
  std::uint32_t best = least;
  for (std::uint32_t n = least; n <= most; ++n) {
    if (effective(stage, n) > effective(stage, best) + kRounding) best = n;
    if (effective(stage, best) + kRounding >= needed) break;
  }
  return best;
}

void Autoscaler::settle(Microseconds now) {
  samples_.clear();
  below_.clear();
  settled_at_ = now + settings_.stabilization_interval;
}

void Autoscaler::observe(Sample sample) {
  if (sample.at < settled_at_) return;
  if (!samples_.empty() && sample.at - samples_.back().at < settings_.interval) return;
  samples_.push_back(std::move(sample));
  // One from before the window stays: from there it is whole.
  while (samples_.size() > 2 && samples_.back().at - samples_[1].at >= settings_.metrics_window) samples_.pop_front();
}

std::vector<StageDecision> Autoscaler::decide(const Graph& graph, Microseconds now, Microseconds wall) {
  const bool whole = samples_.size() > 1 && samples_.back().at - samples_.front().at >= settings_.metrics_window;
  std::vector<StageLoad> loads(graph.stages.size());
  if (whole) loads = measure(graph, samples_.front(), samples_.back(), settings_);
  std::vector<StageDecision> out;
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    const StageFacts& facts = graph.stages[i];
    if (facts.most == 0) continue;
    StageDecision decision;
    if (whole) decision = decide_stage(facts, loads[i], now, wall);
    decision.stage = i;
    decision.name = facts.name;
    decision.least = facts.least;
    decision.most = facts.most;
    decision.current = facts.parallelism;
    if (!whole) decision.target = decision.wanted = facts.parallelism;
    out.push_back(std::move(decision));
  }
  return out;
}

double Autoscaler::capacity(const StageLoad& load, double utilization, bool with_restart) const {
  if (utilization <= 0) return std::numeric_limits<double>::infinity();
  const Microseconds left = std::max<Microseconds>(1, settings_.catch_up_duration - settings_.restart_time);
  const double restart = static_cast<double>(settings_.restart_time) / static_cast<double>(left);
  return load.demand / utilization + load.catch_up + (with_restart ? load.demand * restart : 0);
}

bool Autoscaler::excluded(Microseconds wall) const {
  return std::ranges::any_of(settings_.excluded_periods, [&](const Period& period) { return period.holds(wall); });
}

StageDecision Autoscaler::decide_stage(const StageFacts& facts, const StageLoad& load, Microseconds now,
                                       Microseconds wall) {
  StageDecision out;
  out.current = out.target = out.wanted = facts.parallelism;
  out.load = load;
  out.verdict = load.known ? Verdict::kWithin : Verdict::kNoData;
  if (!load.known) return out;
  const double target = settings_.target_utilization;
  const double highest = std::min(1.0, target + settings_.target_utilization_boundary);
  out.required = capacity(load, target, true);
  out.expected = load.true_rate;
  const bool too_few = load.true_rate < capacity(load, highest, false);
  const bool idle = load.rate <= 0 && load.demand <= 0 && load.catch_up <= 0;
  const bool too_many = idle || load.true_rate > capacity(load, target - settings_.target_utilization_boundary, true);
  if (!too_many) below_.erase(facts.name);
  if (!too_few && !too_many) return out;
  // Of a stage that does nothing there is no number to multiply: the least will do.
  const double factor = load.true_rate > 0 ? out.required / load.true_rate : 0;
  const std::uint32_t number = parallelism_for(facts, factor, settings_);
  out.wanted = too_few ? std::max(number, facts.parallelism) : std::min(number, facts.parallelism);
  if (out.wanted == facts.parallelism) {
    const bool at_bound = too_few ? facts.parallelism >= facts.most : facts.parallelism <= facts.least;
    if (at_bound && too_few) out.verdict = Verdict::kBounded;
    below_.erase(facts.name);
    return out;
  }
  out.name = facts.name;
  too_few ? judge_up(out, facts) : judge_down(out, now, wall);
  if (out.target != out.current && excluded(wall)) {
    out.verdict = Verdict::kExcluded;
    out.target = out.current;
  }
  if (out.target != out.current)
    out.expected = load.true_rate * effective(facts, out.target) / effective(facts, out.current);
  return out;
}

// Adding is judged by what it brought the last time, as long as nothing has changed since.
void Autoscaler::judge_up(StageDecision& decision, const StageFacts& facts) const {
  const auto last = changes_.find(decision.name);
  if (settings_.effectiveness_threshold > 0 && last != changes_.end() && last->second.to > last->second.from &&
      last->second.to == facts.parallelism) {
    const double hoped = last->second.expected - last->second.true_rate;
    const double gained = decision.load.true_rate - last->second.true_rate;
    if (gained < hoped * settings_.effectiveness_threshold) {
      decision.verdict = Verdict::kIneffective;
      return;
    }
  }
  decision.verdict = Verdict::kUp;
  decision.target = decision.wanted;
}

void Autoscaler::judge_down(StageDecision& decision, Microseconds now, Microseconds wall) {
  const auto last = changes_.find(decision.name);
  if (last != changes_.end() && last->second.to > last->second.from &&
      wall - last->second.at < settings_.scale_up_grace_period) {
    below_.erase(decision.name);
    decision.verdict = Verdict::kGrace;
    return;
  }
  const auto [at, begins] = below_.try_emplace(decision.name, Below{now, decision.wanted});
  at->second.most = std::max(at->second.most, decision.wanted);
  if (now - at->second.since < settings_.scale_down_interval) {
    decision.verdict = Verdict::kWaiting;
    return;
  }
  decision.verdict = Verdict::kDown;
  decision.target = decision.wanted = at->second.most;
}

void Autoscaler::acted(const StageDecision& decision, Microseconds wall) {
  changes_[decision.name] = {wall, decision.current, decision.target, decision.load.true_rate, decision.expected};
  below_.erase(decision.name);
}

}  // namespace stream::autoscale
