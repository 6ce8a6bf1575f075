// What a user wants to run, whichever way it was said: manifest, quoted pipeline or JSON.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/memory_default.h"
#include "supervisor/autoscale/settings.h"
#include "supervisor/evolve.h"
#include "supervisor/host_spec.h"
#include "supervisor/instance_bounds.h"
#include "supervisor/log_spec.h"
#include "supervisor/metrics/reporter_spec.h"
#include "supervisor/problems.h"
#include "supervisor/savepoint_rules.h"
#include "supervisor/slurm_spec.h"
#include "transport/base/clock.h"
#include "transport/record/key.h"

namespace stream {

enum class CheckpointMode : std::uint8_t { kExactlyOnce, kAtLeastOnce };

struct CheckpointSpec {
  bool enabled = true;  // `interval: none` switches periodic checkpoints off
  Microseconds interval = 1'000'000;
  Microseconds timeout = 600'000'000;
  Microseconds min_pause = 0;  // at least this long between the end of one and the next
  std::uint32_t keep = 3;
  std::string path = {};  // absolute: a folder for them; "" = the job's own
  CheckpointMode mode = CheckpointMode::kExactlyOnce;
};

enum class RestartStrategy : std::uint8_t { kNone, kFixedDelay, kFailureRate, kExponentialDelay };

struct RestartSpec {
  RestartStrategy strategy = RestartStrategy::kExponentialDelay;
  // fixed-delay, exponential-delay: failures without a completed checkpoint between them.
  std::uint32_t attempts = 10;
  Microseconds delay = 1'000'000;       // fixed-delay, failure-rate
  std::uint32_t failures = 3;           // failure-rate: more than so many …
  Microseconds within = 60'000'000;     // … within this time end the job
  Microseconds initial = 100'000;       // exponential-delay
  Microseconds max = 30'000'000;        // exponential-delay
  double multiplier = 2;                // exponential-delay
  double jitter = 0.1;                  // exponential-delay: share of the delay, 0 to 1
  Microseconds heartbeat = 10'000'000;  // an instance that shows no progress for so long has failed
};

struct InputRef {
  std::string stage = {};
  std::string output = "out";
  std::string name = {};  // of a named input; "" where inputs are merged
  Place at = {};
};

// Where the value of an option stands, and the column its text begins at, 0 if it does not stand
// there letter by letter (block style, escapes, parameters).
struct OptionPlace {
  Place at = {};
  int text_column = 0;
};

struct StageSpec {
  std::string name = {};    // identity of its state
  std::string run = {};     // the executable is stream-RUN
  std::string folder = {};  // where its relative paths start; "" = the pipeline's
  // Empty for a source. All without a name: merged into one input. All with: one input each.
  std::vector<InputRef> from = {};
  // What reaches the stage: one JSON object, each value a text, a list of texts or a map from
  // name to text, in the order of the document.
  std::string options = "{}";
  std::uint32_t parallelism = 1;
  bool parallelism_given = false;  // else the planner may lower it to what the stage allows
  InstanceBounds bounds = {};      // within which it may change by itself; `parallelism` is what it begins with
  std::uint64_t memory_bytes = kMemoryDefault;
  std::string log = {};  // "" = as the pipeline
  StagePlacement placement = {};
  Place at = {};
  std::map<std::string, OptionPlace> option_places = {};
};

struct ParameterValue {
  std::string name = {};
  std::string type = {};
  std::string value = {};
};

// Rows of a test: what a stage is given, or what it is expected to make.
struct TestRows {
  std::string stage = {};
  std::string output = {};  // "" = not said
  Place at = {};
  std::vector<std::string> lines = {};  // JSON objects; of given rows, lines as stream-replay(1) reads them
  std::vector<Place> line_places = {};
  std::map<std::string, std::string> options = {};  // given: schema, time, key, out-of-order
  bool ordered = false;                             // expected: in this order
};

// An entry of `tests:`, see stream-manifest(5).
struct PipelineTest {
  std::string name = {};
  Place at = {};
  std::vector<TestRows> given = {};
  std::vector<TestRows> expect = {};
};

struct PipelineSpec {
  std::string name = {};
  std::string folder = {};                      // absolute; relative paths start here
  bool ad_hoc = false;                          // disappears when finished
  std::vector<ParameterValue> parameters = {};  // as they were when submitted
  CheckpointSpec checkpoint;
  RestartSpec restart;
  SavepointRules savepoints = {};
  autoscale::Settings autoscale = {};
  std::uint32_t key_groups = kKeyGroupsDefault;
  Microseconds align = 0;          // how far sources may be apart in event time; 0 = as they like
  std::uint64_t memory_bytes = 0;  // of the whole job; 0 = the sum of the instances
  std::string log = "info";
  std::vector<LogSinkSpec> log_to = {};
  std::vector<HostSpec> hosts = {};  // none: the supervisor's alone
  bool slurm_nodes = false;          // they are those of the Slurm allocation it is run in
  SlurmSpec slurm = {};              // what that is asked for
  PlaceRule place_rule = PlaceRule::kSpread;
  std::vector<StageSpec> stages = {};  // document order
  std::vector<metrics::ReporterSpec> metrics = {};
  std::vector<EvolvedStage> evolve = {};
  std::vector<PipelineTest> tests = {};
  bool watermarks_apart = false;  // of a test: see Outputs; a job that goes on has forgotten it

  const StageSpec* find(std::string_view stage) const;
  const std::string& folder_of(const StageSpec& stage) const;
};

// [a-z][a-z0-9-]{0,31}
bool valid_name(std::string_view name);

// The inverse of each other; places are kept, tests are not.
std::string pipeline_to_json(const PipelineSpec& pipeline);
Result<PipelineSpec> pipeline_from_json(std::string_view json);  // Errors: kCorrupt

std::string_view strategy_name(RestartStrategy strategy);  // "none", "fixed-delay", …
std::string_view mode_name(CheckpointMode mode);           // "exactly-once", "at-least-once"

}  // namespace stream
