// stream-write-null: takes rows and keeps nothing.
#include "stages/kit/stage.h"

namespace {

class WriteNull final : public stream::Sink {
 public:
  stream::Status on_batch(std::size_t, stream::Batch, stream::Emitter&) override { return {}; }
  stream::Status prepare(stream::Epoch) override { return {}; }
  stream::Status commit(stream::Epoch) override { return {}; }
  stream::Status on_restored(stream::Epoch) override { return {}; }
  stream::Status rewind(stream::Epoch) override { return {}; }
};

stream::PlanAnswer plan(const stream::PlanRequest& request) {
  stream::PlanAnswer answer;
  answer.cacheable = true;
  stream::InputPlan input;
  for (const stream::Field& field : request.inputs[0].schema.fields) input.needs.push_back(field.name);
  input.update_before = stream::UpdateBefore::kUnread;
  answer.inputs.push_back(std::move(input));
  answer.visible = "never";
  return answer;
}

stream::Result<std::unique_ptr<stream::Sink>> make(stream::Context&) {
  return std::unique_ptr<stream::Sink>(std::make_unique<WriteNull>());
}

constexpr stream::Example kExamples[] = {
    {"stream-generate --rows 1000000 | stream-write-null", "Measures how fast rows can be made and read."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-null",
    .summary = "take rows and keep nothing",
    .description = "Asks for every column, so that all work in front of it is really done. For measuring and trying.",
    .kind = stream::StageKind::kSink,
    .examples = kExamples,
    .plan = plan,
    .make_sink = make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
