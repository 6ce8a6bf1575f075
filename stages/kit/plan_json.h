// The planning protocol, stream-plan(7): one JSON object on standard input, one on standard output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stages/kit/plan.h"
#include "stages/kit/stage.h"

namespace stream {

// A PlanRequest that owns what it refers to. Options are checked apart, see run_plan.
struct PlanQuestion {
  std::string stage;         // name in the manifest, for messages
  std::string options_json;  // one object
  std::vector<PlanInput> inputs;
  std::string folder;
  std::uint32_t parallelism = 1;
  std::optional<PlanSample> sample = {};
};

// Errors: kUsage where the text is not a request of a protocol spoken here.
Result<PlanQuestion> plan_question_from_json(std::string_view json);

std::string plan_answer_to_json(const PlanAnswer& answer);

// Errors: kCorrupt, naming the field.
Result<PlanAnswer> plan_answer_from_json(std::string_view json);

// What the stage answers, with what holds for every source: the event-time column that `time`
// names is known in its schemas.
PlanAnswer plan_stage(const StageProgram& program, const PlanRequest& request);

// The whole of --plan: what standard input asks, what standard output answers. Wrong options are
// an answer (`errors`), not a failure. Errors: kUsage where the request itself cannot be read.
Result<std::string> run_plan(const StageProgram& program, std::string_view request);

}  // namespace stream
