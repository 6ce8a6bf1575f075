#include "snapshot/table_names.h"

#include "transport/base/text.h"

namespace stream {

std::string state_identifier(std::string_view text) {
  std::string out;
  for (const char c : lower(text)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

std::string state_table_name(std::string_view stage) {
  std::string name = state_identifier(stage);
  if (name.empty() || name.front() < 'a' || name.front() > 'z') name = "s_" + name;
  return name;
}

}  // namespace stream
