// AvroRows: records in Avro's binary form as rows, for any schema they were written in.
//
// Fields are found by name. Besides its own, a column takes what says the same: DOUBLE and DECIMAL integers, DECIMAL
// one that fits, TIMESTAMP a date or, with time-unit, a number, every type a text that reads as one (as CSV would),
// VARCHAR and JSON anything, as JSON. A column that the records do not have is NULL.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stages/format/avro_value.h"
#include "stages/format/decoder.h"
#include "stages/format/text_rules.h"
#include "stages/format/value.h"

namespace stream::format {

class AvroRows {
 public:
  // Errors: kUsage, for a column that the schema's field of its name can never fill. `rules` must outlive this.
  static Result<AvroRows> make(AvroSchema schema, const DecoderSetup& setup, const TextRules& rules);

  enum class Outcome : std::uint8_t {
    kRow,     // every column has its value; the row is not ended
    kBad,     // a value does not fit: reason() says why; the record is passed
    kBroken,  // the bytes are no record: nothing behind them can be read
  };
  // The batch may hold part of a row unless it is kRow.
  Outcome read(AvroInput& input, BatchBuilder& batch);
  bool skip(AvroInput& input) const { return skip_avro(schema_, schema_.root(), input); }

  std::string take_reason() { return std::move(reason_); }
  // The record as JSON, cut to what a bad record may show. "" if it cannot be read.
  std::string text_of(std::string_view record) const;
  std::uint64_t unknown_fields() const { return unknown_; }  // of each record
  std::uint64_t ambiguous_times() const { return reader_.ambiguous_times(); }
  const AvroSchema& schema() const { return schema_; }

 private:
  enum class Op : std::uint8_t {
    kSkip,
    kRest,  // unknown: into _rest
    kNull,
    kBoolean,
    kLong,
    kFloat,
    kDouble,
    kLongToDouble,
    kLongToDecimal,
    kString,
    kText,  // a string that is read as the column's type
    kBytes,
    kFixed,
    kEnum,
    kDecimal,
    kInstant,  // long of `logical`
    kNumber,   // long of the option time-unit
    kDate,
    kDateToInstant,
    kTime,
    kDuration,
    kJson,
  };
  struct Step {
    Op op = Op::kSkip;
    std::uint32_t type = 0;  // of the value, or of the whole field for kJson, kRest, kSkip
    std::int8_t null_branch = -1;
    std::size_t column = 0;  // of the batch
    Type wanted = {};
    std::size_t field = 0;  // of the record
  };
  enum class Got : std::uint8_t { kGood, kMisfit, kBroken };

  AvroRows(AvroSchema schema, const TextRules& rules);
  Status add_field(std::size_t field, const DecoderSetup& setup);
  Op op_for(const AvroType& from, Type wanted) const;
  Got read_value(const Step& step, AvroInput& input, ColumnBuilder& to);
  Got read_number(const Step& step, AvroInput& input, ColumnBuilder& to) const;
  Got read_decimal(const Step& step, AvroInput& input, ColumnBuilder& to) const;
  Got read_string(const Step& step, AvroInput& input, ColumnBuilder& to);
  Got read_nested(const Step& step, AvroInput& input, ColumnBuilder& to);
  Got append_rest(const Step& step, AvroInput& input);
  void misfit(const Step& step, const char* begin, const char* end);

  AvroSchema schema_;
  TimeRules times_;
  ValueReader reader_;
  std::vector<Step> steps_;           // one a field
  std::vector<std::size_t> missing_;  // columns without a field
  int rest_column_ = -1;
  bool unknown_is_error_ = false;
  std::uint64_t unknown_ = 0;
  std::string first_unknown_;
  std::string rest_;
  std::string scratch_;
  std::string reason_;
};

}  // namespace stream::format
