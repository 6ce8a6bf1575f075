// Replay: a source that gives a recording again, row by row.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "stages/format/decoder.h"
#include "stages/kit/stage.h"
#include "stages/replay/recording.h"

namespace stream {

class StateTable;

PlanAnswer plan_replay(const PlanRequest& request);
Result<std::unique_ptr<Source>> make_replay(Context& context);

class Replay final : public Source {
 public:
  struct Setup {
    Recording recording;
    std::string name;  // of the file, for bad records
    SchemaPtr declared;
    SchemaPtr wanted;
    FormatOptions format;  // of `_text`
    bool says_watermarks = false;
  };
  static Result<std::unique_ptr<Source>> make(Context& context, Setup setup);

  Result<Poll> poll(Emitter& out) override;
  std::optional<Microseconds> promised() const override { return promised_; }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  Replay(Context& context, Setup setup);
  Result<std::unique_ptr<Decoder>> decoder(const FormatOptions& format);
  Status emit_record(Decoder& decoder, const RecordedLine& line, Emitter& out);

  Setup setup_;
  StateTable& position_;
  std::unique_ptr<Decoder> rows_;
  std::unique_ptr<Decoder> texts_;
  std::optional<BatchBuilder> builder_;
  std::optional<BadRecord> bad_;
  std::optional<Microseconds> promised_;  // nothing: rows move event time
};

}  // namespace stream
