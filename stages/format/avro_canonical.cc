// Avro schemas as text: those of rows, and the canonical form.
#include <algorithm>
#include <set>

#include "stages/format/avro_schema.h"

namespace stream::format {
namespace {

constexpr std::uint64_t kEmptyFingerprint = 0xc15d213aa4d7a795ULL;

constexpr std::array<std::uint64_t, 256> make_crc_table() {
  std::array<std::uint64_t, 256> table{};
  for (std::uint64_t i = 0; i < 256; ++i) {
    std::uint64_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (kEmptyFingerprint & (0 - (crc & 1)));
    table[i] = crc;
  }
  return table;
}
constexpr std::array<std::uint64_t, 256> kCrcTable = make_crc_table();

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string_view kind_name(AvroKind kind) {
  switch (kind) {
    case AvroKind::kNull: return "null";
    case AvroKind::kBoolean: return "boolean";
    case AvroKind::kInt: return "int";
    case AvroKind::kLong: return "long";
    case AvroKind::kFloat: return "float";
    case AvroKind::kDouble: return "double";
    case AvroKind::kBytes: return "bytes";
    case AvroKind::kString: return "string";
    case AvroKind::kRecord: return "record";
    case AvroKind::kEnum: return "enum";
    case AvroKind::kArray: return "array";
    case AvroKind::kMap: return "map";
    case AvroKind::kUnion: return "union";
    case AvroKind::kFixed: return "fixed";
  }
  return "";
}

// Prints each named type where it first stands, and its name elsewhere.
class Canonical {
 public:
  explicit Canonical(const AvroSchema& schema) : schema_(schema) {}

  void print(std::uint32_t index, std::string& out) {
    const AvroType& type = schema_.type(index);
    if (!type.name.empty() && !seen_.insert(type.name).second) {
      out += quoted(type.name);
      return;
    }
    switch (type.kind) {
      case AvroKind::kUnion: return list("[", type.of, "]", out);
      case AvroKind::kArray: out += R"({"type":"array","items":)"; break;
      case AvroKind::kMap: out += R"({"type":"map","values":)"; break;
      case AvroKind::kRecord: return record(type, out);
      case AvroKind::kEnum: return symbols(type, out);
      case AvroKind::kFixed:
        out += "{\"name\":" + quoted(type.name) + R"(,"type":"fixed","size":)" + std::to_string(type.size) + "}";
        return;
      default: out += quoted(kind_name(type.kind)); return;
    }
    print(type.of[0], out);
    out += '}';
  }

 private:
  void list(std::string_view open, const std::vector<std::uint32_t>& types, std::string_view close, std::string& out) {
    out += open;
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (i != 0) out += ',';
      print(types[i], out);
    }
    out += close;
  }

  void record(const AvroType& type, std::string& out) {
    out += "{\"name\":" + quoted(type.name) + R"(,"type":"record","fields":[)";
    for (std::size_t i = 0; i < type.of.size(); ++i) {
      if (i != 0) out += ',';
      out += "{\"name\":" + quoted(type.names[i]) + ",\"type\":";
      print(type.of[i], out);
      out += '}';
    }
    out += "]}";
  }

  static void symbols(const AvroType& type, std::string& out) {
    out += "{\"name\":" + quoted(type.name) + R"(,"type":"enum","symbols":[)";
    for (std::size_t i = 0; i < type.names.size(); ++i) out += (i == 0 ? "" : ",") + quoted(type.names[i]);
    out += "]}";
  }

  const AvroSchema& schema_;
  std::set<std::string> seen_;
};

std::string type_text(Type type) {
  switch (type.kind) {
    case TypeKind::kBoolean: return R"("boolean")";
    case TypeKind::kBigint: return R"("long")";
    case TypeKind::kDouble: return R"("double")";
    case TypeKind::kDecimal:
      return R"({"type":"bytes","logicalType":"decimal","precision":)" + std::to_string(type.precision) +
             ",\"scale\":" + std::to_string(type.scale) + "}";
    case TypeKind::kVarchar: return R"("string")";
    case TypeKind::kTimestamp: return R"({"type":"long","logicalType":"timestamp-micros"})";
    case TypeKind::kDate: return R"({"type":"int","logicalType":"date"})";
    case TypeKind::kInterval: return R"({"type":"string","stream.type":"interval"})";
    case TypeKind::kBlob: return R"("bytes")";
    case TypeKind::kJson: return R"({"type":"string","stream.type":"json"})";
  }
  return "";
}

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool allowed(std::string_view name) {
  return !name.empty() && letter(name[0]) &&
         std::ranges::all_of(name, [](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string AvroSchema::canonical() const {
  std::string out;
  Canonical(*this).print(root_, out);
  return out;
}

std::uint64_t AvroSchema::fingerprint() const {
  std::uint64_t crc = kEmptyFingerprint;
  for (const char c : canonical()) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xff];
  return crc;
}

Result<std::string> avro_schema_of(const Schema& columns, bool row_kinds) {
  std::string out = R"({"type":"record","name":"row","fields":[)";
  if (row_kinds) out += R"({"name":"_op","type":"string"})";
  for (std::size_t i = 0; i < columns.fields.size(); ++i) {
    const Field& field = columns.fields[i];
    if (!allowed(field.name)) {
      return usage_error("column '" + field.name + "' has no name that Avro allows: letters, digits and _ only");
    }
    if (row_kinds && field.name == "_op") {
      return usage_error("column '_op' stands where the kind of a change has to; give it another name");
    }
    if (i != 0 || row_kinds) out += ',';
    out += "{\"name\":" + quoted(field.name) + R"(,"type":["null",)" + type_text(field.type) + R"(],"default":null})";
  }
  return out + "]}";
}

}  // namespace stream::format
