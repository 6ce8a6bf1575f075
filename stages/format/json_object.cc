#include "stages/format/json_object.h"

#include "stages/format/value.h"

namespace stream::format {
namespace {

const char* skip_blanks(const char* p) {
  while (*p == ' ' || *p == '\t' || *p == '\r') ++p;
  return p;
}

// Reads `"key" : value` at p; returns the end of the value, or null.
const char* split_field(const char* p, const char* literal, JsonObject& object) {
  const auto fail = [&](std::string reason) {
    object.reason = std::move(reason);
    return nullptr;
  };
  if (*p != '"') return fail("a key is missing");
  const char* key_end = skip_json_string(p + 1);
  if (key_end == nullptr) return fail("a key is broken");
  const std::string_view key(p + 1, static_cast<std::size_t>(key_end - p - 2));
  p = skip_blanks(key_end);
  if (*p != ':') return fail("':' is missing behind \"" + std::string(key) + "\"");
  const char* value = skip_blanks(p + 1);
  const char* end = skip_json_value(value);
  if (end == nullptr) return fail("the value of \"" + std::string(key) + "\" is broken");
  object.fields.push_back({literal, value, end, key});
  return end;
}

// Reads the members behind the opening brace; returns the closing one, or null.
const char* split_members(const char* p, const char* record, JsonObject& object) {
  object.tail = record;
  p = skip_blanks(p);
  if (*p == '}') return p;
  for (;;) {
    object.tail = split_field(p, object.tail, object);
    if (object.tail == nullptr) return nullptr;
    p = skip_blanks(object.tail);
    if (*p == '}') return p;
    if (*p != ',') {
      object.reason = "',' or '}' is missing";
      return nullptr;
    }
    p = skip_blanks(p + 1);
  }
}

}  // namespace

bool JsonObject::split(const char* record) {
  fields.clear();
  const char* p = skip_blanks(record);
  blank = *p == '\n';
  end = p + 1;
  if (blank) return true;
  if (*p != '{') {
    reason = "not a JSON object";
    return false;
  }
  p = split_members(p + 1, record, *this);
  if (p == nullptr) return false;
  p = skip_blanks(p + 1);
  end = p + 1;
  if (*p == '\n') return true;
  reason = "text behind the JSON object";
  return false;
}

bool JsonObject::split_nested(const char* value) {
  fields.clear();
  blank = false;
  if (*value != '{') {
    reason = "not a JSON object";
    return false;
  }
  const char* brace = split_members(value + 1, value, *this);
  if (brace == nullptr) return false;
  end = brace + 1;
  return true;
}

bool key_text(std::string_view key, std::string& scratch, std::string_view& text) {
  text = key;
  if (key.find('\\') == std::string_view::npos) return true;
  scratch.clear();
  if (!unescape_json(key, scratch)) return false;
  text = scratch;
  return true;
}

}  // namespace stream::format
