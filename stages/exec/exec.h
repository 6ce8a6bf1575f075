// Exec: gives rows to a program of the user's and emits what it answers.
#pragma once

#include <memory>
#include <optional>

#include "stages/exec/answers.h"
#include "stages/exec/runner.h"
#include "stages/exec/settings.h"
#include "stages/exec/watermark_gate.h"
#include "stages/format/encoder.h"

namespace stream {

class Exec final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Microseconds output_watermark(Microseconds watermark) const override { return gate_.passed(watermark); }
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  Status on_end(Emitter& out) override;
  bool has_more() const override;
  Status more(Emitter& out) override;
  int wake_fd() const override { return runner_->wake_fd(); }
  Status await_results(Emitter& out) override;

 private:
  Exec(const Context& context, ExecSettings settings, Answers::Setup answers);

  Status drop_unwritable(Batch& batch, Emitter& out) const;
  bool unwritable(const Batch& batch, std::size_t row) const;
  void encode(const Batch& batch);
  bool busy() const { return waiting_.rows > 0 || !runner_->idle(); }
  Status go_on(Emitter& out);
  void tell_unknown_fields();

  const ExecSettings settings_;
  Answers answers_;
  ErrorLines errors_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<Encoder> encoder_;  // null for text
  Lot waiting_;
  WatermarkGate gate_;
  std::size_t not_emitted_ = 0;  // rows answered whose answers wait for room
  bool settling_ = false;
  bool ending_ = false;
  bool unknown_told_ = false;
};

}  // namespace stream
