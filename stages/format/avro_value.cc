#include "stages/format/avro_value.h"

#include <cmath>

#include "stages/format/json_text.h"
#include "stages/format/number.h"
#include "stages/format/timestamp.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

// Items that take no byte, such as nulls, could be claimed without end.
constexpr std::size_t kEmptyItemsMax = 1024;

// Calls `item` for each item of an array or map. Blocks of a negative count tell their size too.
template <class Item>
bool each_item(AvroInput& input, Item item) {
  for (std::size_t empty = 0;;) {
    std::int64_t count = 0;
    if (!input.read_long(count)) return false;
    if (count == 0) return true;
    if (count < 0) {
      std::int64_t size = 0;
      if (count == INT64_MIN || !input.read_long(size)) return false;
      count = -count;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const char* before = input.at;
      if (!item()) return false;
      if (input.at == before && ++empty > kEmptyItemsMax) return false;
    }
  }
}

void append_string(std::string_view text, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + escaped_size(text.size()) + 16);
  out[start] = '"';
  char* end = escape_json(out.data() + start + 1, text);
  *end++ = '"';
  out.resize(static_cast<std::size_t>(end - out.data()));
}

// `print` writes at most `size` bytes.
template <class Print>
void append_printed(std::size_t size, bool quotes, std::string& out, Print print) {
  const std::size_t start = out.size();
  out.resize(start + size + 2);
  char* to = out.data() + start;
  if (quotes) *to++ = '"';
  to = print(to);
  if (quotes) *to++ = '"';
  out.resize(static_cast<std::size_t>(to - out.data()));
}

bool append_long(AvroLogical logical, AvroInput& input, std::string& out) {
  std::int64_t value = 0;
  if (!input.read_long(value)) return false;
  std::int64_t instant = 0;
  Interval interval;
  if (logical == AvroLogical::kDate && value >= INT32_MIN && value <= INT32_MAX) {
    append_printed(kDateSize, true, out, [&](char* to) { return print_date(to, static_cast<std::int32_t>(value)); });
  } else if (avro_instant(logical, value, instant)) {
    append_printed(kTimestampSize, true, out, [&](char* to) { return print_timestamp(to, instant); });
  } else if (avro_interval(logical, value, interval)) {
    append_printed(kIntervalSize, true, out, [&](char* to) { return print_interval(to, interval); });
  } else {
    append_printed(kBigintSize, false, out, [&](char* to) { return print_bigint(to, value); });
  }
  return true;
}

template <class T>
bool append_float(AvroInput& input, std::string& out) {
  T value = 0;
  if (!input.read_value(value)) return false;
  if (!std::isfinite(value)) {
    out += "null";
  } else {
    append_printed(kDoubleSize, false, out, [&](char* to) { return print_double(to, static_cast<double>(value)); });
  }
  return true;
}

bool append_blob(const AvroType& type, std::string_view bytes, std::string& out) {
  Decimal value = 0;
  if (type.logical == AvroLogical::kDecimal && read_avro_decimal(bytes, value)) {
    append_printed(kDecimalSize, true, out, [&](char* to) { return print_decimal(to, value, type.scale); });
  } else if (type.logical == AvroLogical::kDuration) {
    const Interval interval = avro_duration(bytes);
    append_printed(kIntervalSize, true, out, [&](char* to) { return print_interval(to, interval); });
  } else {
    append_printed(base64_size(bytes.size()), true, out, [&](char* to) { return encode_base64(to, bytes); });
  }
  return true;
}

bool append_text(const AvroType& type, AvroInput& input, std::string& out) {
  std::string_view text;
  if (!input.read_bytes(text) || !valid_utf8(text)) return false;
  if (type.logical == AvroLogical::kJson && valid_json(text.data(), text.data() + text.size())) {
    out += text;
  } else {
    append_string(text, out);
  }
  return true;
}

bool append_record(const AvroSchema& schema, const AvroType& type, AvroInput& input, std::string& out,
                   std::size_t depth) {
  out += '{';
  for (std::size_t i = 0; i < type.of.size(); ++i) {
    if (i != 0) out += ',';
    append_string(type.names[i], out);
    out += ':';
    if (!append_avro_json(schema, type.of[i], input, out, depth + 1)) return false;
  }
  out += '}';
  return true;
}

bool append_items(const AvroSchema& schema, const AvroType& type, AvroInput& input, std::string& out,
                  std::size_t depth) {
  const bool map = type.kind == AvroKind::kMap;
  bool first = true;
  out += map ? '{' : '[';
  const bool good = each_item(input, [&] {
    if (!first) out += ',';
    first = false;
    if (map) {
      std::string_view key;
      if (!input.read_bytes(key) || !valid_utf8(key)) return false;
      append_string(key, out);
      out += ':';
    }
    return append_avro_json(schema, type.of[0], input, out, depth + 1);
  });
  out += map ? '}' : ']';
  return good;
}

}  // namespace

void append_avro_key(std::string_view key, std::string& object) {
  object += object.empty() ? '{' : ',';
  append_string(key, object);
  object += ':';
}

bool read_avro_decimal(std::string_view bytes, Decimal& value) {
  const bool negative = !bytes.empty() && static_cast<std::int8_t>(bytes[0]) < 0;
  const char sign = negative ? '\xff' : '\0';
  while (bytes.size() > sizeof value) {
    if (bytes[0] != sign) return false;
    bytes.remove_prefix(1);
    if (bytes.size() == sizeof value && (static_cast<std::int8_t>(bytes[0]) < 0) != negative) return false;
  }
  auto sum = negative ? ~static_cast<unsigned __int128>(0) : 0;
  for (const char byte : bytes) sum = (sum << 8) | static_cast<std::uint8_t>(byte);
  value = static_cast<Decimal>(sum);
  return true;
}

bool avro_instant(AvroLogical logical, std::int64_t value, std::int64_t& instant_us) {
  switch (logical) {
    case AvroLogical::kTimestampMillis: return !__builtin_mul_overflow(value, std::int64_t{1000}, &instant_us);
    case AvroLogical::kTimestampMicros: instant_us = value; return true;
    case AvroLogical::kTimestampNanos: instant_us = value / 1000 - (value % 1000 < 0 ? 1 : 0); return true;
    default: return false;
  }
}

bool avro_interval(AvroLogical logical, std::int64_t value, Interval& interval) {
  if (logical == AvroLogical::kTimeMicros) {
    interval = {0, 0, value};
    return true;
  }
  if (logical != AvroLogical::kTimeMillis) return false;
  interval = {};
  return !__builtin_mul_overflow(value, std::int64_t{1000}, &interval.microseconds);
}

Interval avro_duration(std::string_view bytes) {
  std::uint32_t parts[3];
  std::memcpy(parts, bytes.data(), sizeof parts);
  return {static_cast<std::int32_t>(parts[0]), static_cast<std::int32_t>(parts[1]), std::int64_t{parts[2]} * 1000};
}

bool skip_avro(const AvroSchema& schema, std::uint32_t index, AvroInput& input, std::size_t depth) {
  if (depth > kAvroDepthMax) return false;
  const AvroType& type = schema.type(index);
  std::int64_t number = 0;
  std::string_view bytes;
  std::size_t which = 0;
  bool truth = false;
  switch (type.kind) {
    case AvroKind::kNull: return true;
    case AvroKind::kBoolean: return input.read_boolean(truth);
    case AvroKind::kInt:
    case AvroKind::kLong: return input.read_long(number);
    case AvroKind::kFloat: return input.read_raw(sizeof(float), bytes);
    case AvroKind::kDouble: return input.read_raw(sizeof(double), bytes);
    case AvroKind::kBytes:
    case AvroKind::kString: return input.read_bytes(bytes);
    case AvroKind::kFixed: return input.read_raw(type.size, bytes);
    case AvroKind::kEnum: return input.read_index(type.names.size(), which);
    case AvroKind::kUnion:
      return input.read_index(type.of.size(), which) && skip_avro(schema, type.of[which], input, depth + 1);
    case AvroKind::kRecord:
      for (const std::uint32_t of : type.of) {
        if (!skip_avro(schema, of, input, depth + 1)) return false;
      }
      return true;
    case AvroKind::kArray: return each_item(input, [&] { return skip_avro(schema, type.of[0], input, depth + 1); });
    case AvroKind::kMap:
      return each_item(input,
                       [&] { return input.read_bytes(bytes) && skip_avro(schema, type.of[0], input, depth + 1); });
  }
  return false;
}

bool append_avro_json(const AvroSchema& schema, std::uint32_t index, AvroInput& input, std::string& out,
                      std::size_t depth) {
  if (depth > kAvroDepthMax) return false;
  const AvroType& type = schema.type(index);
  std::string_view bytes;
  std::size_t which = 0;
  bool truth = false;
  switch (type.kind) {
    case AvroKind::kNull: out += "null"; return true;
    case AvroKind::kBoolean:
      if (!input.read_boolean(truth)) return false;
      out += truth ? "true" : "false";
      return true;
    case AvroKind::kInt:
    case AvroKind::kLong: return append_long(type.logical, input, out);
    case AvroKind::kFloat: return append_float<float>(input, out);
    case AvroKind::kDouble: return append_float<double>(input, out);
    case AvroKind::kBytes: return input.read_bytes(bytes) && append_blob(type, bytes, out);
    case AvroKind::kFixed: return input.read_raw(type.size, bytes) && append_blob(type, bytes, out);
    case AvroKind::kString: return append_text(type, input, out);
    case AvroKind::kEnum:
      if (!input.read_index(type.names.size(), which)) return false;
      append_string(type.names[which], out);
      return true;
    case AvroKind::kUnion:
      return input.read_index(type.of.size(), which) && append_avro_json(schema, type.of[which], input, out, depth + 1);
    case AvroKind::kRecord: return append_record(schema, type, input, out, depth);
    case AvroKind::kArray:
    case AvroKind::kMap: return append_items(schema, type, input, out, depth);
  }
  return false;
}

}  // namespace stream::format
