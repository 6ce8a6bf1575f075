// What processes tell each other as JSON: any bytes are a message or an error. What was read is written and read again.
#include <cstdint>

#include "snapshot/table_spec.h"
#include "stages/kit/plan_json.h"
#include "supervisor/tap_request.h"
#include "transport/base/check.h"
#include "transport/control_messages.h"

namespace {

using namespace stream;

template <class Read>
void check(Read read, std::string_view text) {
  const auto message = read(text);
  if (message.ok()) STREAM_CHECK(read(to_json(*message)).ok());
}

JobPlan one_stage() {
  JobPlan plan;
  plan.pipeline.stages.resize(1);
  plan.pipeline.stages[0].name = "a";
  plan.stages.resize(1);
  plan.stages[0].outputs.resize(1);
  plan.stages[0].outputs[0].name = "out";
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(assignment_from_json, text);
  check(stats_from_json, text);
  check(snapshot_from_json, text);
  check(note_from_json, text);
  check(rewiring_from_json, text);
  (void)plan_question_from_json(text);
  if (const auto answer = plan_answer_from_json(text); answer.ok()) (void)plan_answer_to_json(*answer);
  (void)schema_from_json(text);
  (void)spec_from_json(text);
  static const JobPlan plan = one_stage();
  (void)tap_request(plan, text);
  return 0;
}
