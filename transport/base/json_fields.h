// Fields of JSON that another process wrote: what is absent, or of another type, reads as empty.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace stream {

template <class Json>
std::string text_at(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->template get<std::string>() : std::string();
}

template <class Json>
bool flag_at(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_boolean() && it->template get<bool>();
}

template <class Json>
std::uint64_t count_at(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_number_unsigned() ? it->template get<std::uint64_t>() : 0;
}

template <class Json>
Json list_at(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_array() ? *it : Json::array();
}

// Items that are no texts are left out.
template <class Json>
std::vector<std::string> texts_at(const Json& object, const char* name) {
  std::vector<std::string> texts;
  for (const Json& item : list_at(object, name)) {
    if (item.is_string()) texts.push_back(item.template get<std::string>());
  }
  return texts;
}

}  // namespace stream
