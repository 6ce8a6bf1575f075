#include "supervisor/flink/settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {
namespace {

class Settings {
 public:
  void set(const std::string& key, const std::string& value) {
    statements_.push_back({comment_, "SET " + quoted_text(key) + " = " + quoted_text(value)});
    comment_.clear();
  }
  void comment(std::string text) { comment_ = std::move(text); }
  std::vector<Statement> take() { return std::move(statements_); }

 private:
  std::vector<Statement> statements_;
  std::string comment_;
};

void checkpoints(const CheckpointSpec& spec, Settings& settings) {
  if (!spec.enabled) return;
  settings.comment("Checkpoints.");
  settings.set("execution.checkpointing.interval", duration_text(spec.interval));
  settings.set("execution.checkpointing.mode",
               spec.mode == CheckpointMode::kExactlyOnce ? "EXACTLY_ONCE" : "AT_LEAST_ONCE");
  settings.set("execution.checkpointing.timeout", duration_text(spec.timeout));
  settings.set("execution.checkpointing.min-pause", duration_text(spec.min_pause));
  settings.set("execution.checkpointing.num-retained", std::to_string(spec.keep));
  if (!spec.path.empty()) settings.set("execution.checkpointing.dir", "file://" + spec.path);
}

std::string number_text(double number) { return nlohmann::json(number).dump(); }

void restarts(const RestartSpec& spec, Settings& settings) {
  settings.comment("Restarts.");
  const std::string kind(strategy_name(spec.strategy));
  settings.set("restart-strategy.type", kind);
  const std::string prefix = "restart-strategy." + kind + ".";
  if (spec.strategy == RestartStrategy::kFixedDelay) {
    settings.set(prefix + "attempts", std::to_string(spec.attempts));
    settings.set(prefix + "delay", duration_text(spec.delay));
  }
  if (spec.strategy == RestartStrategy::kFailureRate) {
    settings.set(prefix + "max-failures-per-interval", std::to_string(spec.failures));
    settings.set(prefix + "failure-rate-interval", duration_text(spec.within));
    settings.set(prefix + "delay", duration_text(spec.delay));
  }
  if (spec.strategy == RestartStrategy::kExponentialDelay) {
    settings.set(prefix + "initial-backoff", duration_text(spec.initial));
    settings.set(prefix + "max-backoff", duration_text(spec.max));
    settings.set(prefix + "backoff-multiplier", number_text(spec.multiplier));
    settings.set(prefix + "jitter-factor", number_text(spec.jitter));
    settings.set(prefix + "attempts-before-reset-backoff", std::to_string(spec.attempts));
  }
}

// The only one of all stages: Flink has one for the whole script.
void time_to_live(const PipelineSpec& pipeline, Settings& settings, Problems& problems) {
  static const std::set<std::string> kKeep = {"aggregate", "dedup", "join", "top-n"};
  std::set<std::string> given;
  for (const StageSpec& stage : pipeline.stages) {
    const auto options = nlohmann::json::parse(stage.options);
    const bool windowed = options.contains("window");
    if (!kKeep.contains(stage.run) || windowed) continue;
    given.insert(options.contains("ttl") && options["ttl"].is_string() ? options["ttl"].get<std::string>() : "");
  }
  const auto ttl = given.size() == 1 ? parse_duration(*given.begin()) : Result<Microseconds>(0);
  if (given.size() == 1 && ttl.ok() && *ttl > 0) {
    settings.comment("Time to live of state.");
    return settings.set("table.exec.state.ttl", duration_text(*ttl));
  }
  if (given.size() < 2) return;
  for (const StageSpec& stage : pipeline.stages) {
    const auto place = stage.option_places.find("ttl");
    if (place == stage.option_places.end()) continue;
    problems.add(place->second.at,
                 "stage '" + stage.name + "' (" + stage.run +
                     "), option 'ttl': Flink has one for all stages of a script; give all of them the same");
  }
}

}  // namespace

std::vector<Statement> settings_of(const PipelineSpec& pipeline, Problems& problems) {
  Settings settings;
  settings.comment("Pipeline " + pipeline.name +
                   ", made of a manifest by stream deploy --on flink: see stream-flink(7).");
  settings.set("pipeline.name", pipeline.name);
  settings.set("execution.runtime-mode", "streaming");
  settings.set("table.local-time-zone", "UTC");
  std::uint32_t parallelism = 1;
  for (const StageSpec& stage : pipeline.stages) parallelism = std::max(parallelism, stage.parallelism);
  settings.set("parallelism.default", std::to_string(parallelism));
  settings.set("pipeline.max-parallelism", std::to_string(pipeline.key_groups));
  checkpoints(pipeline.checkpoint, settings);
  restarts(pipeline.restart, settings);
  time_to_live(pipeline, settings, problems);
  if (pipeline.align != 0)
    problems.add(pipeline.stages.front().at, "'align' of the pipeline has no counterpart in Flink's SQL; leave it out");
  if (pipeline.savepoints != SavepointRules())
    problems.add(pipeline.stages.front().at,
                 "'savepoints' of the pipeline have no counterpart in Flink's SQL; leave them out");
  return settings.take();
}

}  // namespace stream::flink
