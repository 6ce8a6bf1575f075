// Answers: what a program writes, as rows. They are held until it is sure that they will not come again, and then go
// out as there is room.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "stages/format/decoder.h"
#include "stages/kit/stage.h"

namespace stream {

class Answers {
 public:
  struct Setup {
    FormatOptions format;
    SchemaPtr declared;
    SchemaPtr wanted;  // null where nothing reads the results
    std::uint64_t held_max = 0;
  };
  explicit Answers(Setup setup) : setup_(std::move(setup)) {}

  // A program has been started: the next bytes are its first.
  Status begin();
  // Whole records, with kInputPadding readable bytes behind them; with `last` the rest may lack a line end. Returns
  // how many bytes were taken. Errors: kFailed if too much is held.
  Result<std::size_t> take(std::string_view bytes, bool last);
  void accept();  // what is held will not come again
  void drop();    // … will

  bool ready() const { return !ready_.empty() || !ready_bad_.empty(); }
  // As much as there is room for.
  Status emit(Emitter& out);
  // Whether records had fields that the schema has not.
  bool unknown_fields() const { return unknown_fields_; }

 private:
  void hold(Batch batch);

  const Setup setup_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<BatchBuilder> builder_;
  std::vector<Batch> held_;
  std::vector<BadRecord> held_bad_;
  std::uint64_t held_bytes_ = 0;
  std::deque<Batch> ready_;
  std::deque<BadRecord> ready_bad_;
  bool unknown_fields_ = false;
};

}  // namespace stream
