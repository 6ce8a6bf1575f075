// split_json_object: takes one line of NDJSON apart by structure, without looking into values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stream::format {

struct JsonField {
  const char* literal;  // the text before the value, from the value before on
  const char* value;
  const char* end;       // of the value
  std::string_view key;  // as written, without quotes

  std::string_view text() const { return {value, static_cast<std::size_t>(end - value)}; }
};

struct JsonObject {
  std::vector<JsonField> fields;
  const char* tail = nullptr;  // the end of the last value, or the record's start if there is none
  const char* end = nullptr;   // behind the newline
  bool blank = false;          // the line holds nothing
  std::string reason;          // why it is no object

  // Takes the line at `record` apart; false if it is neither an object nor blank.
  bool split(const char* record);
  // The object at `value`, which is part of a record: whatever stands behind it. `end` is behind its brace.
  bool split_nested(const char* value);
};

// The key's text: unescaped into `scratch` where it has escapes; false for bad ones.
bool key_text(std::string_view key, std::string& scratch, std::string_view& text);

}  // namespace stream::format
