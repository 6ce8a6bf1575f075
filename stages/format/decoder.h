// Decoder: bytes to rows. One decoder reads one stream of bytes from front to back.
//
//   InputBuffer buffer;                       // or any bytes with kInputPadding readable ones behind
//   auto decoder = make_decoder(options, declared, wanted);
//   loop: read into buffer; decoder.decode(buffer.bytes(), at_end, batch); buffer.consume(consumed)
//         when batch.full(): batch.finish(), decoder.position() is the position behind it
//
// Only the columns of the output schema are taken out of a record; the others are skipped by the
// format's structure (strings, nesting, quotes) and neither parsed nor validated.
//
// Values, the same for every format: a missing or null value is NULL; BIGINT, DOUBLE, DECIMAL take
// numbers that fit exactly (DOUBLE: after rounding); a DECIMAL may stand in quotes; BOOLEAN true or
// false; TIMESTAMP by timestamp.h; DATE "2024-02-29"; INTERVAL as PostgreSQL prints it; BLOB base64;
// VARCHAR valid UTF-8 without NUL bytes; JSON valid JSON. Everything else is a bad record.
//
// NDJSON: VARCHAR takes strings unescaped and any other value as it is written. Of equal keys the
// last counts. CSV: an unquoted empty field is NULL, a quoted one the empty string; records of the
// wrong width are bad. Text formats take a value's text: blanks around numbers are ignored.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stages/format/options.h"
#include "transport/record/batch.h"

namespace stream {

inline constexpr std::size_t kInputPadding = 64;
inline constexpr std::size_t kBadRecordTextMax = 64 * 1024;

struct BadInput {
  std::string reason;
  std::uint64_t offset = 0;  // of the record, in bytes from the start of the stream
  std::uint64_t line = 0;    // of the record, from 1; 0 = unknown, as decoding began further back
  std::string text;          // the record without its line end, cut to kBadRecordTextMax
};

// OK: skip the record. Anything else stops decoding and is returned by decode().
using OnBadInput = std::function<Status(BadInput)>;

struct DecodeCounters {
  std::uint64_t records = 0;
  std::uint64_t bad_records = 0;
  std::uint64_t unknown_fields = 0;   // fields outside the declared schema
  std::uint64_t ambiguous_times = 0;  // skipped or repeated by the zone's clock
};

// Where a row's record stands in the stream, line end included.
struct RecordExtent {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct DecoderSetup {
  FormatOptions options;
  SchemaPtr declared;       // all fields there may be; others are unknown
  SchemaPtr wanted;         // the batch's schema: a subset of `declared`, plus `_rest` with kKeep
  OnBadInput on_bad_input;  // empty: the first bad record stops, with kBadRecord
};

class Decoder {
 public:
  virtual ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Begins at `offset` instead of at 0. `head` is the stream's beginning, at least its first record,
  // for formats whose first record is a header. Call before the first decode(). Errors: kUsage for a
  // header that does not fit the declared schema.
  Status start_at(std::uint64_t offset, std::string_view head);

  // Decodes whole records until `batch` is full or no whole record is left, and returns how many
  // bytes were consumed; `bytes` must go on with the first one that was not. kInputPadding readable
  // bytes must follow them. With `last` there is nothing behind: the last record needs no line end.
  // Of formats with blocks the batch may be full with no byte consumed.
  virtual Result<std::size_t> decode(std::string_view bytes, bool last, BatchBuilder& batch);

  // Offset of the first record that is neither in a batch nor reported as bad: where start_at()
  // resumes. Less than the bytes consumed while a record longer than the limit is being skipped.
  virtual std::uint64_t position() const { return consumed_ - skipping_.size; }
  // Of formats whose records stand in blocks, position() is a block's, of which so many records are done;
  // skip_records() goes behind them. Call it between start_at() and the first decode().
  virtual std::uint64_t records_done() const { return 0; }
  virtual void skip_records(std::uint64_t /*count*/) {}

  // Adds an extent for each row added to a batch; null stops.
  void record_extents(std::vector<RecordExtent>* extents) { extents_ = extents; }

  const DecodeCounters& counters() const { return counters_; }

 protected:
  explicit Decoder(DecoderSetup setup);

  // The state of a record's end being searched beyond the limit; CSV knows more than newlines.
  struct Skipping {
    bool active = false;
    bool quoted = false;
    std::uint64_t size = 0;  // bytes consumed of it
    std::string text;
  };

  // Decodes the records of [begin, end), where end is behind a newline; returns where it stopped:
  // full batch, error in status_, or a record that is not complete. `last`: nothing will follow.
  virtual const char* decode_records(const char* begin, const char* end, bool last, BatchBuilder& batch) = 0;
  // The byte behind the record whose search goes on at `begin`, or null if its end is not in here.
  virtual const char* find_record_end(const char* begin, const char* end, Skipping& state) const;
  // Takes the header from the beginning of the stream. Default: there is none.
  virtual Status read_head(std::string_view /*head*/) { return {}; }

  // Where start_at() began.
  std::uint64_t started_at() const { return consumed_; }
  Status report(BadInput bad);
  // For decode_records: the record [begin, end) is in the batch / is bad.
  void accept(const char* begin, const char* end, BatchBuilder& batch, std::uint64_t lines = 1);
  // False: stop, status_ says why.
  bool reject(const char* begin, const char* end, std::string reason, BatchBuilder& batch, std::uint64_t lines = 1);
  bool too_long(const char* begin, const char* end) const {
    return static_cast<std::uint64_t>(end - begin) > setup_.options.record_size_max;
  }
  void skip_lines(std::uint64_t lines) {
    if (line_ != 0) line_ += lines;
  }
  // Cheap enough for each row: asks the batch for its size now and then.
  bool batch_full(const char* at, const BatchBuilder& batch) {
    if (++rows_unchecked_ < 32 && at - checked_at_ < 16384) return false;
    rows_unchecked_ = 0;
    checked_at_ = at;
    return batch.full();
  }

  DecoderSetup setup_;
  DecodeCounters counters_;
  Status status_;

 private:
  std::size_t go_on_skipping(std::string_view bytes, bool last);
  std::size_t decode_region(std::string_view bytes, bool last, BatchBuilder& batch);
  void take_back_line_end();
  void start_skipping(std::string_view bytes);

  std::uint64_t consumed_ = 0;
  std::uint64_t line_ = 1;
  bool at_start_ = true;
  Skipping skipping_;
  std::vector<RecordExtent>* extents_ = nullptr;
  const char* region_ = nullptr;  // where decode_records began, and its offset in the stream
  std::uint64_t region_offset_ = 0;
  std::size_t rows_unchecked_ = 0;
  const char* checked_at_ = nullptr;
};

// Errors: kUsage for options that check_format_options() refuses, or a schema that the format cannot fill.
Result<std::unique_ptr<Decoder>> make_decoder(DecoderSetup setup);

}  // namespace stream
