#include "stages/exec/answers.h"

#include <iterator>

#include "transport/base/text.h"

namespace stream {

Status Answers::begin() {
  DecoderSetup setup;
  setup.options = setup_.format;
  setup.declared = setup_.declared;
  setup.wanted = setup_.wanted ? setup_.wanted : setup_.declared;
  setup.on_bad_input = [this](BadInput bad) {
    held_bytes_ += bad.text.size() + bad.reason.size();
    held_bad_.push_back({"answer of the program: " + bad.reason, "", std::move(bad.text)});
    return Status();
  };
  builder_ = std::make_unique<BatchBuilder>(setup.wanted);
  STREAM_ASSIGN(decoder_, make_decoder(std::move(setup)));
  return {};
}

Result<std::size_t> Answers::take(std::string_view bytes, bool last) {
  std::size_t taken = 0;
  for (;;) {
    STREAM_ASSIGN(const std::size_t used, decoder_->decode(bytes.substr(taken), last, *builder_));
    taken += used;
    hold(builder_->finish());
    unknown_fields_ = unknown_fields_ || decoder_->counters().unknown_fields > 0;
    if (held_bytes_ > setup_.held_max) {
      return failed("it answers one lot of rows with more than " + format_size(setup_.held_max) +
                    "; give the stage more memory");
    }
    if (used == 0 || taken == bytes.size()) return taken;
  }
}

void Answers::hold(Batch batch) {
  if (batch.rows == 0 || !setup_.wanted) return;
  held_bytes_ += batch.size_bytes();
  held_.push_back(std::move(batch));
}

void Answers::accept() {
  std::ranges::move(held_, std::back_inserter(ready_));
  std::ranges::move(held_bad_, std::back_inserter(ready_bad_));
  drop();
}

void Answers::drop() {
  held_.clear();
  held_bad_.clear();
  held_bytes_ = 0;
}

Status Answers::emit(Emitter& out) {
  for (; !ready_.empty() && !out.full(); ready_.pop_front()) STREAM_TRY(out.emit(std::move(ready_.front())));
  if (!ready_.empty()) return {};
  for (; !ready_bad_.empty(); ready_bad_.pop_front()) STREAM_TRY(out.bad_record(std::move(ready_bad_.front())));
  return {};
}

}  // namespace stream
