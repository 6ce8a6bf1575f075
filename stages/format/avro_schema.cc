#include "stages/format/avro_schema.h"

#include <simdjson.h>

#include <algorithm>
#include <map>

namespace stream::format {
namespace {

using simdjson::dom::element;

constexpr std::pair<std::string_view, AvroKind> kPrimitives[] = {
    {"null", AvroKind::kNull},   {"boolean", AvroKind::kBoolean}, {"int", AvroKind::kInt},
    {"long", AvroKind::kLong},   {"float", AvroKind::kFloat},     {"double", AvroKind::kDouble},
    {"bytes", AvroKind::kBytes}, {"string", AvroKind::kString},
};

struct LogicalName {
  std::string_view name;
  AvroKind kind;
  AvroLogical logical;
};
constexpr LogicalName kLogicals[] = {
    {"date", AvroKind::kInt, AvroLogical::kDate},
    {"time-millis", AvroKind::kInt, AvroLogical::kTimeMillis},
    {"time-micros", AvroKind::kLong, AvroLogical::kTimeMicros},
    {"timestamp-millis", AvroKind::kLong, AvroLogical::kTimestampMillis},
    {"timestamp-micros", AvroKind::kLong, AvroLogical::kTimestampMicros},
    {"timestamp-nanos", AvroKind::kLong, AvroLogical::kTimestampNanos},
    {"local-timestamp-millis", AvroKind::kLong, AvroLogical::kTimestampMillis},
    {"local-timestamp-micros", AvroKind::kLong, AvroLogical::kTimestampMicros},
    {"local-timestamp-nanos", AvroKind::kLong, AvroLogical::kTimestampNanos},
};

constexpr std::uint32_t kDecimalDigitsMax = 38;
constexpr std::uint64_t kFixedSizeMax = 1 << 20;
constexpr std::uint64_t kFieldsMax = 100'000;  // of a record, with those of the records in it

std::string_view text_of(const element& object, std::string_view key) {
  std::string_view text;
  return object.at_key(key).get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::uint64_t number_of(const element& object, std::string_view key, std::uint64_t otherwise) {
  std::uint64_t number = 0;
  return object.at_key(key).get(number) == simdjson::SUCCESS ? number : otherwise;
}

std::string full_name(std::string_view name, std::string_view space) {
  if (space.empty() || name.find('.') != std::string_view::npos) return std::string(name);
  return std::string(space) + "." + std::string(name);
}

std::string space_of(std::string_view full) {
  const std::size_t dot = full.rfind('.');
  return dot == std::string_view::npos ? "" : std::string(full.substr(0, dot));
}

Status wrong(const std::string& what) { return usage_error("no Avro schema: " + what); }

}  // namespace

// One parse; named types are known from where they stand on, as the specification says.
class AvroSchemaParser {
 public:
  explicit AvroSchemaParser(AvroSchema& to) : to_(to) {}

  Result<std::uint32_t> parse(const element& json, const std::string& space, std::size_t depth) {
    if (depth > kAvroDepthMax) return wrong("it is nested too deeply");
    std::string_view name;
    if (json.get(name) == simdjson::SUCCESS) return named(name, space);
    simdjson::dom::array branches;
    if (json.get(branches) == simdjson::SUCCESS) return parse_union(branches, space, depth);
    if (!json.is_object()) return wrong("a type is a name, an object or an array");
    element inner;
    if (json.at_key("type").get(inner) != simdjson::SUCCESS) return wrong("a type without 'type'");
    if (inner.get(name) != simdjson::SUCCESS) return parse(inner, space, depth + 1);
    if (name == "record" || name == "error") return parse_record(json, space, depth);
    if (name == "enum") return parse_enum(json, space);
    if (name == "fixed") return parse_fixed(json, space);
    if (name == "array") return parse_items(json, AvroKind::kArray, "items", space, depth);
    if (name == "map") return parse_items(json, AvroKind::kMap, "values", space, depth);
    STREAM_ASSIGN(const std::uint32_t index, named(name, space));
    if (!primitive(name)) return index;
    set_logical(json, to_.types_[index]);
    return index;
  }

 private:
  static const AvroKind* primitive(std::string_view name) {
    const auto* found = std::ranges::find(kPrimitives, name, [](const auto& row) { return row.first; });
    return found == std::end(kPrimitives) ? nullptr : &found->second;
  }

  std::uint32_t add(AvroKind kind) {
    to_.types_.emplace_back();
    to_.types_.back().kind = kind;
    return static_cast<std::uint32_t>(to_.types_.size() - 1);
  }

  Result<std::uint32_t> named(std::string_view name, const std::string& space) {
    if (const AvroKind* kind = primitive(name)) return add(*kind);
    for (const std::string& full : {full_name(name, space), std::string(name)}) {
      if (const auto known = names_.find(full); known != names_.end()) return known->second;
    }
    return wrong("unknown type '" + std::string(name) + "'");
  }

  Result<std::uint32_t> add_named(const element& json, AvroKind kind, const std::string& space) {
    const std::string_view name = text_of(json, "name");
    if (name.empty()) return wrong("a record, enum or fixed without a name");
    const std::string_view own = text_of(json, "namespace");
    const std::uint32_t index = add(kind);
    to_.types_[index].name = full_name(name, own.empty() ? space : own);
    if (!names_.emplace(to_.types_[index].name, index).second) {
      return wrong("type '" + to_.types_[index].name + "' is there twice");
    }
    return index;
  }

  Result<std::uint32_t> parse_record(const element& json, const std::string& space, std::size_t depth) {
    STREAM_ASSIGN(const std::uint32_t index, add_named(json, AvroKind::kRecord, space));
    const std::string inner = space_of(to_.types_[index].name);
    simdjson::dom::array fields;
    if (json.at_key("fields").get(fields) != simdjson::SUCCESS) return wrong("a record without 'fields'");
    for (const element field : fields) {
      const std::string name(text_of(field, "name"));
      element type;
      if (name.empty() || field.at_key("type").get(type) != simdjson::SUCCESS) {
        return wrong("a field of '" + to_.types_[index].name + "' without name or type");
      }
      if (std::ranges::find(to_.types_[index].names, name) != to_.types_[index].names.end()) {
        return wrong("field '" + name + "' of '" + to_.types_[index].name + "' is there twice");
      }
      STREAM_ASSIGN(const std::uint32_t of, parse(type, inner, depth + 1));
      to_.types_[index].names.push_back(name);
      to_.types_[index].of.push_back(of);
    }
    STREAM_TRY(count_fields(index));
    return index;
  }

  // Fields may take no byte: what a value can hold must be bounded by the schema where it is not by the bytes.
  Status count_fields(std::uint32_t index) {
    std::uint64_t count = 1;
    for (const std::uint32_t of : to_.types_[index].of) {
      const bool record = to_.types_[of].kind == AvroKind::kRecord;
      const auto known = fields_.find(of);
      if (record && known == fields_.end()) return wrong("record '" + to_.types_[of].name + "' holds itself");
      count += record ? known->second : 1;
    }
    if (count > kFieldsMax) return wrong("record '" + to_.types_[index].name + "' has too many fields");
    fields_[index] = count;
    return {};
  }

  Result<std::uint32_t> parse_enum(const element& json, const std::string& space) {
    STREAM_ASSIGN(const std::uint32_t index, add_named(json, AvroKind::kEnum, space));
    simdjson::dom::array symbols;
    if (json.at_key("symbols").get(symbols) != simdjson::SUCCESS) return wrong("an enum without 'symbols'");
    for (const element symbol : symbols) {
      std::string_view text;
      if (symbol.get(text) != simdjson::SUCCESS) return wrong("a symbol that is no text");
      to_.types_[index].names.emplace_back(text);
    }
    return index;
  }

  Result<std::uint32_t> parse_fixed(const element& json, const std::string& space) {
    STREAM_ASSIGN(const std::uint32_t index, add_named(json, AvroKind::kFixed, space));
    const std::uint64_t size = number_of(json, "size", UINT64_MAX);
    if (size > kFixedSizeMax) return wrong("a fixed whose size is missing or more than 1 MiB");
    to_.types_[index].size = static_cast<std::uint32_t>(size);
    set_logical(json, to_.types_[index]);
    return index;
  }

  Result<std::uint32_t> parse_items(const element& json, AvroKind kind, std::string_view key, const std::string& space,
                                    std::size_t depth) {
    const std::uint32_t index = add(kind);
    element items;
    if (json.at_key(key).get(items) != simdjson::SUCCESS)
      return wrong("an array or map without '" + std::string(key) + "'");
    STREAM_ASSIGN(const std::uint32_t of, parse(items, space, depth + 1));
    to_.types_[index].of.push_back(of);
    return index;
  }

  Result<std::uint32_t> parse_union(const simdjson::dom::array& branches, const std::string& space, std::size_t depth) {
    const std::uint32_t index = add(AvroKind::kUnion);
    for (const element branch : branches) {
      STREAM_ASSIGN(const std::uint32_t of, parse(branch, space, depth + 1));
      if (to_.types_[of].kind == AvroKind::kUnion) return wrong("a union within a union");
      to_.types_[index].of.push_back(of);
    }
    if (to_.types_[index].of.empty()) return wrong("a union of nothing");
    return index;
  }

  // One that is unknown, or does not fit its type, is none: so the specification says.
  static void set_logical(const element& json, AvroType& type) {
    const std::string_view name = text_of(json, "logicalType");
    for (const LogicalName& row : kLogicals) {
      if (row.name == name && row.kind == type.kind) type.logical = row.logical;
    }
    const bool bytes = type.kind == AvroKind::kBytes || type.kind == AvroKind::kFixed;
    if (bytes && name == "decimal") {
      const std::uint64_t precision = number_of(json, "precision", 0);
      const std::uint64_t scale = number_of(json, "scale", 0);
      if (precision == 0 || precision > kDecimalDigitsMax || scale > precision) return;
      type.logical = AvroLogical::kDecimal;
      type.precision = static_cast<std::uint8_t>(precision);
      type.scale = static_cast<std::uint8_t>(scale);
    }
    if (type.kind == AvroKind::kFixed && type.size == 12 && name == "duration") type.logical = AvroLogical::kDuration;
    if (type.kind != AvroKind::kString) return;
    const std::string_view ours = text_of(json, "stream.type");
    if (ours == "json") type.logical = AvroLogical::kJson;
    if (ours == "interval") type.logical = AvroLogical::kInterval;
  }

  AvroSchema& to_;
  std::map<std::string, std::uint32_t, std::less<>> names_;
  std::map<std::uint32_t, std::uint64_t> fields_;  // of the records that are complete
};

Result<AvroSchema> AvroSchema::parse(std::string_view json) {
  simdjson::dom::parser parser;
  element whole;
  const simdjson::padded_string padded(json);
  if (const auto error = parser.parse(padded).get(whole); error != simdjson::SUCCESS) {
    return wrong(simdjson::error_message(error));
  }
  AvroSchema schema;
  STREAM_ASSIGN(schema.root_, AvroSchemaParser(schema).parse(whole, "", 0));
  return schema;
}

AvroSchema::Nullable AvroSchema::nullable(std::uint32_t index) const {
  const AvroType& whole = types_[index];
  if (whole.kind != AvroKind::kUnion || whole.of.size() != 2) return {index, -1};
  for (const int branch : {0, 1}) {
    const bool null = types_[whole.of[static_cast<std::size_t>(branch)]].kind == AvroKind::kNull;
    if (null) return {whole.of[static_cast<std::size_t>(1 - branch)], branch};
  }
  return {index, -1};
}

Type AvroSchema::column_type(std::uint32_t index) const {
  const AvroType& of = types_[nullable(index).type];
  switch (of.logical) {
    case AvroLogical::kDecimal: return decimal_type(of.precision, of.scale);
    case AvroLogical::kDate: return kDate;
    case AvroLogical::kTimestampMillis:
    case AvroLogical::kTimestampMicros:
    case AvroLogical::kTimestampNanos: return kTimestamp;
    case AvroLogical::kTimeMillis:
    case AvroLogical::kTimeMicros:
    case AvroLogical::kDuration:
    case AvroLogical::kInterval: return kInterval;
    case AvroLogical::kJson: return kJson;
    case AvroLogical::kNone: break;
  }
  switch (of.kind) {
    case AvroKind::kBoolean: return kBoolean;
    case AvroKind::kInt:
    case AvroKind::kLong: return kBigint;
    case AvroKind::kFloat:
    case AvroKind::kDouble: return kDouble;
    case AvroKind::kBytes:
    case AvroKind::kFixed: return kBlob;
    case AvroKind::kNull:
    case AvroKind::kString:
    case AvroKind::kEnum: return kVarchar;
    case AvroKind::kRecord:
    case AvroKind::kArray:
    case AvroKind::kMap:
    case AvroKind::kUnion: break;
  }
  return kJson;
}

Result<Schema> AvroSchema::columns() const {
  const AvroType& record = root_type();
  if (record.kind != AvroKind::kRecord) return usage_error("the Avro schema is of values that are no records");
  Schema schema;
  for (std::size_t i = 0; i < record.names.size(); ++i) {
    schema.fields.push_back({record.names[i], column_type(record.of[i])});
  }
  return schema;
}

bool AvroSchema::same_type(std::uint32_t index, const AvroSchema& other, std::uint32_t others,
                           std::size_t depth) const {
  const AvroType& a = types_[index];
  const AvroType& b = other.types_[others];
  if (a.kind != b.kind || a.logical != b.logical || a.precision != b.precision || a.scale != b.scale ||
      a.size != b.size || a.names != b.names || a.of.size() != b.of.size()) {
    return false;
  }
  if (depth > kAvroDepthMax) return true;  // the same type over and over
  for (std::size_t i = 0; i < a.of.size(); ++i) {
    if (!same_type(a.of[i], other, b.of[i], depth + 1)) return false;
  }
  return true;
}

bool AvroSchema::same_columns(const AvroSchema& other) const { return same_type(root_, other, other.root_, 0); }

}  // namespace stream::format
