// Print: rows on standard output, as text for people or programs.
#pragma once

#include <memory>

#include "stages/format/encoder.h"
#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_print(const PlanRequest& request);

// Rows are visible at once: written when no input waits, at every prepare, at 64 KiB, and otherwise
// with the first batch that comes 50 ms after the last write. So a rollback prints rows again.
class Print final : public Sink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);
  // Writes to `fd`, which stays the caller's.
  Print(const EncoderOptions& options, SchemaPtr schema, const Clock& clock, int fd);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status prepare(Epoch epoch) override;
  Status commit(Epoch /*epoch*/) override { return {}; }
  Status on_restored(Epoch /*epoch*/) override { return {}; }
  Status rewind(Epoch /*epoch*/) override { return {}; }  // rows may be printed again: at least once
  Status on_idle() override { return write(); }
  Status flush() override { return write(); }
  Status on_end() override;

 private:
  Status write();

  std::unique_ptr<Encoder> encoder_;
  const Clock& clock_;
  int fd_;
  ByteBuilder out_;
  Microseconds last_write_ = INT64_MIN / 2;
};

}  // namespace stream
