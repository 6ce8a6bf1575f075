// The plan of a job: what every stage answered, how they are joined, and which columns travel.
//
// Planning is arithmetic over the stages' answers: forward through the stages for schemas, then
// backward for the columns that are needed. It is frozen in the job and in its checkpoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/pipeline.h"
#include "supervisor/stage_answer.h"
#include "supervisor/stage_info.h"
#include "transport/base/ids.h"
#include "transport/channel.h"
#include "transport/record/schema.h"

namespace stream {

enum class EdgeKind : std::uint8_t {
  kForward,    // instance i to instance i; parallelism is equal
  kHash,       // by hash_columns, over key groups
  kRebalance,  // any row to any instance
  kBroadcast,  // every row to every instance
  kSingle,     // every row to instance 0
};

struct PlannedEdge {
  std::size_t from = 0;    // index of the stage
  std::size_t output = 0;  // index in its PlannedStage::outputs
  std::size_t to = 0;
  std::size_t input = 0;  // index in its PlannedStage::inputs; merged edges share one
  EdgeKind kind = EdgeKind::kForward;
  std::vector<std::string> hash_columns = {};
  Schema schema = {};       // columns of the output that travel here, in its order
  std::string filter = {};  // the producer sends only rows for which this holds; "" = all
};

// In `pipeline.stages` order. Outputs are those answered, pruned to what is used, then `errors`.
struct PlannedStage {
  std::string executable = {};
  StageRole role = StageRole::kOperator;
  std::uint32_t parallelism = 1;
  std::uint32_t submitted = 0;  // parallelism as it was submitted, if it was rescaled since; else 0
  std::optional<InstanceBounds> submitted_bounds = {};  // likewise
  std::vector<NamedSchema> inputs = {};
  std::vector<NamedSchema> outputs = {};
  StageAnswer answer = {};
  std::vector<std::string> not_read = {};  // columns there are in its inputs, but neither it nor a later stage uses
};

// Whether it is a source that makes watermarks.
bool makes_event_time(const PlannedStage& stage);

struct JobPlan {
  PipelineSpec pipeline = {};
  std::vector<PlannedStage> stages = {};
  std::vector<std::size_t> order = {};  // of stages, sources first
  std::vector<PlannedEdge> edges = {};
  std::vector<std::string> warnings = {};
};

// Index of the stage that reads standard input.
std::optional<std::size_t> stdin_stage(const JobPlan& plan);

// One ordered stream of frames from an instance to an instance.
struct Channel {
  ChannelId id;
  std::size_t edge = 0;
  std::uint32_t from_instance = 0;
  std::uint32_t to_instance = 0;
  Attempt attempt = {};  // 0: that of both ends; else the channel came later than one of them
};

// All channels; ids count from 0 in the order of edges, then senders, then receivers, so they
// depend on nothing but the plan.
std::vector<Channel> channels_of(const JobPlan& plan);

struct SocketNeed {
  std::size_t total = 0;    // of all processes
  std::size_t largest = 0;  // of one process
  std::string stage = {};   // which has it
};
SocketNeed sockets_of(const JobPlan& plan);

struct PlanLimits {
  std::size_t sockets = kSocketsMax;  // of one process
};

// Plans a pipeline. What is wrong goes to `problems`; then the plan is of no use.
JobPlan make_plan(PipelineSpec pipeline, Catalogue& catalogue, StageAsker& asker, const PlanLimits& limits,
                  Problems& problems);

// stage VARCHAR, reason VARCHAR, position VARCHAR, record VARCHAR: the output every stage has.
const Schema& errors_schema();

std::string_view edge_kind_name(EdgeKind kind);  // "forward", "hash", …

std::string plan_to_json(const JobPlan& plan);
Result<JobPlan> plan_from_json(std::string_view json);  // Errors: kCorrupt

}  // namespace stream
