// A recording: rows as `print` and `write-file` write them, and between them what moves event time. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/status.h"
#include "transport/record/batch.h"

namespace stream {

struct RecordedLine {
  enum class Kind : std::uint8_t { kRow, kText, kWatermark };
  Kind kind = Kind::kRow;
  RowKind change = RowKind::kInsert;
  bool says_change = false;    // the row began with `_op`
  std::string text = {};       // kRow: a JSON object without `_op`; kText: a record in the source's format
  Microseconds watermark = 0;  // kWatermark
};

// Reads one line, without its end:
//   {"_op":"+I", …}         a row, with `_op` first where it is a change
//   {"_watermark":"TIME"}   event time has come so far
//   {"_text":"…"}           a record as it would be read: what may be bad
// A row that is no JSON is given back as it is. Errors: kUsage for an unknown `_op`, or a watermark that is no time.
Result<RecordedLine> read_recorded_line(std::string_view line);

// The lines of a recording, one after the other.
class Recording {
 public:
  explicit Recording(std::string text) : text_(std::move(text)) {}

  // The next line that is not empty; none: the end. Good until the next call.
  std::optional<std::string_view> next();
  std::uint64_t offset() const { return offset_; }  // behind the last line given
  std::uint64_t line() const { return line_; }      // its number, from 1
  void go_to(std::uint64_t offset);

 private:
  std::string text_;
  std::uint64_t offset_ = 0;
  std::uint64_t line_ = 0;
};

}  // namespace stream
