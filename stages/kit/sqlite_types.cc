#include "stages/kit/sqlite_types.h"

#include <string>

#include "transport/base/text.h"

namespace stream {
namespace {

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    if (text.find(part) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Type type_of_sqlite(std::string_view declared) {
  const std::string name = lower(trim(declared));
  if (name.starts_with("interval")) return kInterval;
  if (has_any(name, {"int"})) return kBigint;
  if (name.starts_with("timestamp") || name.starts_with("datetime")) return kTimestamp;
  if (name == "date") return kDate;
  if (name.starts_with("bool")) return kBoolean;
  if (name.starts_with("json")) return kJson;
  if (has_any(name, {"blob"})) return kBlob;
  if (has_any(name, {"real", "floa", "doub"})) return kDouble;
  if (name.starts_with("decimal(") || name.starts_with("numeric(")) {
    const auto type = parse_type("decimal" + name.substr(name.find('(')));
    return type.ok() ? *type : kDouble;
  }
  if (name.starts_with("decimal") || name.starts_with("numeric") || name == "number") return kDouble;
  return kVarchar;
}

}  // namespace stream
