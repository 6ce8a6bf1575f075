#include "stages/format/avro_rows.h"

#include <algorithm>
#include <cstring>

#include "stages/format/number.h"

namespace stream::format {
namespace {

constexpr std::int64_t kDay = 86'400'000'000;

Decimal power_of_ten(unsigned exponent) {
  Decimal power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

bool fits(Decimal value, std::uint8_t precision) {
  const Decimal limit = power_of_ten(precision);
  return value < limit && value > -limit;
}

// False where digits would be lost.
bool rescale(Decimal value, std::uint8_t from, Type to, Decimal& out) {
  if (from > to.scale) {
    const Decimal power = power_of_ten(from - to.scale);
    out = value / power;
    return out * power == value && fits(out, to.precision);
  }
  return !__builtin_mul_overflow(value, power_of_ten(to.scale - from), &out) && fits(out, to.precision);
}

bool in_unit(std::int64_t value, TimeUnit unit, std::int64_t& instant) {
  switch (unit) {
    case TimeUnit::kSeconds: return !__builtin_mul_overflow(value, std::int64_t{1'000'000}, &instant);
    case TimeUnit::kMilliseconds: return avro_instant(AvroLogical::kTimestampMillis, value, instant);
    case TimeUnit::kMicroseconds: return avro_instant(AvroLogical::kTimestampMicros, value, instant);
    case TimeUnit::kNanoseconds: return avro_instant(AvroLogical::kTimestampNanos, value, instant);
    case TimeUnit::kNone: break;
  }
  return false;
}

bool is_instant(AvroLogical logical) {
  std::int64_t ignored = 0;
  return avro_instant(logical, 0, ignored);
}

bool is_time_of_day(AvroLogical logical) {
  return logical == AvroLogical::kTimeMillis || logical == AvroLogical::kTimeMicros;
}

bool is_bytes(AvroKind kind) { return kind == AvroKind::kBytes || kind == AvroKind::kFixed; }

bool is_integer(AvroKind kind) { return kind == AvroKind::kInt || kind == AvroKind::kLong; }

}  // namespace

AvroRows::AvroRows(AvroSchema schema, const TextRules& rules)
    : schema_(std::move(schema)), times_(rules.times()), reader_(times_) {}

// kSkip: there is no way.
AvroRows::Op AvroRows::op_for(const AvroType& from, Type wanted) const {
  if (from.kind == AvroKind::kNull) return Op::kNull;
  const bool text = from.kind == AvroKind::kString;
  switch (wanted.kind) {
    case TypeKind::kVarchar:
      if (text) return Op::kString;
      return from.kind == AvroKind::kEnum ? Op::kEnum : Op::kJson;
    case TypeKind::kJson: return text ? Op::kText : Op::kJson;
    case TypeKind::kBoolean:
      if (from.kind == AvroKind::kBoolean) return Op::kBoolean;
      break;
    case TypeKind::kBigint:
      if (is_integer(from.kind)) return Op::kLong;
      break;
    case TypeKind::kDouble:
      if (is_integer(from.kind)) return Op::kLongToDouble;
      if (from.kind == AvroKind::kFloat) return Op::kFloat;
      if (from.kind == AvroKind::kDouble) return Op::kDouble;
      break;
    case TypeKind::kDecimal:
      if (is_integer(from.kind)) return Op::kLongToDecimal;
      if (from.logical == AvroLogical::kDecimal) return Op::kDecimal;
      break;
    case TypeKind::kTimestamp:
      if (is_instant(from.logical)) return Op::kInstant;
      if (from.logical == AvroLogical::kDate) return Op::kDateToInstant;
      if (is_integer(from.kind) && times_.unit != TimeUnit::kNone) return Op::kNumber;
      break;
    case TypeKind::kDate:
      if (from.logical == AvroLogical::kDate) return Op::kDate;
      break;
    case TypeKind::kInterval:
      if (is_time_of_day(from.logical)) return Op::kTime;
      if (from.logical == AvroLogical::kDuration) return Op::kDuration;
      break;
    case TypeKind::kBlob:
      if (is_bytes(from.kind)) return from.kind == AvroKind::kBytes ? Op::kBytes : Op::kFixed;
      break;
  }
  return text ? Op::kText : Op::kSkip;
}

Status AvroRows::add_field(std::size_t field, const DecoderSetup& setup) {
  const AvroType& record = schema_.root_type();
  const std::string& name = record.names[field];
  Step step{Op::kSkip, record.of[field], -1, 0, {}, field};
  const auto column = setup.wanted->find(name);
  if (!setup.declared->find(name)) {
    ++unknown_;
    if (first_unknown_.empty()) first_unknown_ = name;
    if (rest_column_ >= 0) step.op = Op::kRest;
  } else if (column) {
    const AvroSchema::Nullable value = schema_.nullable(record.of[field]);
    step.column = *column;
    step.wanted = setup.wanted->fields[*column].type;
    step.op = op_for(schema_.type(value.type), step.wanted);
    if (step.op == Op::kSkip) {
      return usage_error("column '" + name + "' is to be " + to_string(step.wanted) + ", but the records have " +
                         to_string(schema_.column_type(record.of[field])) +
                         (step.wanted == kTimestamp ? "; a number needs time-unit" : ""));
    }
    step.type = value.type;
    step.null_branch = static_cast<std::int8_t>(value.null_branch);
  }
  steps_.push_back(step);
  return {};
}

Result<AvroRows> AvroRows::make(AvroSchema schema, const DecoderSetup& setup, const TextRules& rules) {
  if (schema.root_type().kind != AvroKind::kRecord) {
    return usage_error("the Avro schema is of values that are no records");
  }
  AvroRows rows(std::move(schema), rules);
  const auto& names = rows.schema_.root_type().names;
  rows.unknown_is_error_ = setup.options.unknown_fields == UnknownFields::kError;
  const bool keep = setup.options.unknown_fields == UnknownFields::kKeep;
  const auto& columns = setup.wanted->fields;
  for (std::size_t column = 0; column < columns.size(); ++column) {
    const bool rest = keep && columns[column].name == kRestColumn;
    if (rest) rows.rest_column_ = static_cast<int>(column);
    if (!rest && std::ranges::find(names, columns[column].name) == names.end()) rows.missing_.push_back(column);
  }
  for (std::size_t field = 0; field < names.size(); ++field) STREAM_TRY(rows.add_field(field, setup));
  return rows;
}

AvroRows::Got AvroRows::read_number(const Step& step, AvroInput& input, ColumnBuilder& to) const {
  std::int64_t value = 0;
  if (!input.read_long(value)) return Got::kBroken;
  const AvroType& type = schema_.type(step.type);
  if (type.kind == AvroKind::kInt && (value < INT32_MIN || value > INT32_MAX)) return Got::kBroken;
  std::int64_t instant = 0;
  Decimal decimal = 0;
  Interval interval;
  switch (step.op) {
    case Op::kLong: to.append(value); return Got::kGood;
    case Op::kLongToDouble: to.append(static_cast<double>(value)); return Got::kGood;
    case Op::kLongToDecimal:
      if (!rescale(value, 0, step.wanted, decimal)) return Got::kMisfit;
      to.append(decimal);
      return Got::kGood;
    case Op::kDate: to.append(static_cast<std::int32_t>(value)); return Got::kGood;
    case Op::kDateToInstant:
      if (__builtin_mul_overflow(value, kDay, &instant)) return Got::kMisfit;
      to.append(instant);
      return Got::kGood;
    case Op::kInstant:
      if (!avro_instant(type.logical, value, instant)) return Got::kMisfit;
      to.append(instant);
      return Got::kGood;
    case Op::kNumber:
      if (!in_unit(value, times_.unit, instant)) return Got::kMisfit;
      to.append(instant);
      return Got::kGood;
    default:
      if (!avro_interval(type.logical, value, interval)) return Got::kMisfit;
      to.append(interval);
      return Got::kGood;
  }
}

AvroRows::Got AvroRows::read_decimal(const Step& step, AvroInput& input, ColumnBuilder& to) const {
  const AvroType& type = schema_.type(step.type);
  std::string_view bytes;
  if (!(type.kind == AvroKind::kFixed ? input.read_raw(type.size, bytes) : input.read_bytes(bytes))) {
    return Got::kBroken;
  }
  Decimal value = 0;
  if (!read_avro_decimal(bytes, value) || !rescale(value, type.scale, step.wanted, value)) return Got::kMisfit;
  to.append(value);
  return Got::kGood;
}

AvroRows::Got AvroRows::read_string(const Step& step, AvroInput& input, ColumnBuilder& to) {
  std::string_view text;
  if (!input.read_bytes(text)) return Got::kBroken;
  if (step.op == Op::kText) return reader_.read_text(text, to) ? Got::kGood : Got::kMisfit;
  if (!text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr) return Got::kMisfit;
  if (!valid_utf8(text)) return Got::kMisfit;
  to.append_bytes(text);
  return Got::kGood;
}

AvroRows::Got AvroRows::read_nested(const Step& step, AvroInput& input, ColumnBuilder& to) {
  scratch_.clear();
  AvroInput again = input;
  if (append_avro_json(schema_, step.type, input, scratch_)) {
    to.append_bytes(scratch_);
    return Got::kGood;
  }
  // A text in it may be no UTF-8 where the whole is sound.
  input = again;
  return skip_avro(schema_, step.type, input) ? Got::kMisfit : Got::kBroken;
}

AvroRows::Got AvroRows::read_value(const Step& step, AvroInput& input, ColumnBuilder& to) {
  if (step.null_branch >= 0) {
    std::size_t branch = 0;
    if (!input.read_index(2, branch)) return Got::kBroken;
    if (static_cast<int>(branch) == step.null_branch) {
      to.append_null();
      return Got::kGood;
    }
  }
  const AvroType& type = schema_.type(step.type);
  std::string_view bytes;
  bool truth = false;
  float narrow = 0;
  double number = 0;
  std::size_t which = 0;
  switch (step.op) {
    case Op::kNull: to.append_null(); return Got::kGood;
    case Op::kBoolean:
      if (!input.read_boolean(truth)) return Got::kBroken;
      to.append(static_cast<std::uint8_t>(truth));
      return Got::kGood;
    case Op::kFloat:
      if (!input.read_value(narrow)) return Got::kBroken;
      to.append(static_cast<double>(narrow));
      return Got::kGood;
    case Op::kDouble:
      if (!input.read_value(number)) return Got::kBroken;
      to.append(number);
      return Got::kGood;
    case Op::kString:
    case Op::kText: return read_string(step, input, to);
    case Op::kBytes:
      if (!input.read_bytes(bytes)) return Got::kBroken;
      to.append_bytes(bytes);
      return Got::kGood;
    case Op::kFixed:
      if (!input.read_raw(type.size, bytes)) return Got::kBroken;
      to.append_bytes(bytes);
      return Got::kGood;
    case Op::kEnum:
      if (!input.read_index(type.names.size(), which)) return Got::kBroken;
      to.append_bytes(type.names[which]);
      return Got::kGood;
    case Op::kDuration:
      if (!input.read_raw(type.size, bytes)) return Got::kBroken;
      to.append(avro_duration(bytes));
      return Got::kGood;
    case Op::kDecimal: return read_decimal(step, input, to);
    case Op::kJson: return read_nested(step, input, to);
    default: return read_number(step, input, to);
  }
}

AvroRows::Got AvroRows::append_rest(const Step& step, AvroInput& input) {
  AvroInput again = input;
  append_avro_key(schema_.root_type().names[step.field], rest_);
  if (append_avro_json(schema_, step.type, input, rest_)) return Got::kGood;
  input = again;
  return skip_avro(schema_, step.type, input) ? Got::kMisfit : Got::kBroken;
}

// The value's record goes on behind it, so only this one is bad.
void AvroRows::misfit(const Step& step, const char* begin, const char* end) {
  if (!reason_.empty()) return;
  std::string text;
  AvroInput again({begin, static_cast<std::size_t>(end - begin)});
  if (!append_avro_json(schema_, schema_.root_type().of[step.field], again, text)) text = "bytes that are no UTF-8";
  const Type type = step.op == Op::kRest ? kJson : step.wanted;
  reason_ = bad_value(schema_.root_type().names[step.field], type, text, times_);
}

AvroRows::Outcome AvroRows::read(AvroInput& input, BatchBuilder& batch) {
  reason_.clear();
  rest_.clear();
  for (const Step& step : steps_) {
    if (step.op == Op::kSkip) {
      if (!skip_avro(schema_, step.type, input)) return Outcome::kBroken;
      continue;
    }
    const char* begin = input.at;
    const Got got =
        step.op == Op::kRest ? append_rest(step, input) : read_value(step, input, batch.column(step.column));
    if (got == Got::kBroken) return Outcome::kBroken;
    if (got == Got::kMisfit) misfit(step, begin, input.at);
  }
  if (unknown_is_error_ && unknown_ != 0) reason_ = "unknown field '" + first_unknown_ + "'";
  if (!reason_.empty()) return Outcome::kBad;
  for (const std::size_t column : missing_) batch.column(column).append_null();
  if (rest_column_ >= 0) {
    ColumnBuilder& rest = batch.column(static_cast<std::size_t>(rest_column_));
    if (rest_.empty()) rest.append_null();
    if (!rest_.empty()) rest.append_bytes(rest_ += '}');
  }
  return Outcome::kRow;
}

std::string AvroRows::text_of(std::string_view record) const {
  std::string text;
  AvroInput input(record);
  if (!append_avro_json(schema_, schema_.root(), input, text)) return "";
  text.resize(std::min(text.size(), kBadRecordTextMax));
  return text;
}

}  // namespace stream::format
