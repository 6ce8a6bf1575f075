#include "stages/kit/option.h"

#include <charconv>

#include "transport/base/check.h"
#include "transport/base/text.h"

namespace stream {
namespace {

const Values::Value* find(const Values& values, std::string_view name) {
  const auto it = values.all().find(name);
  return it == values.all().end() ? nullptr : &it->second;
}

template <class T>
const T& get_or_empty(const Values& values, std::string_view name) {
  static const T empty;
  const Values::Value* value = find(values, name);
  if (value == nullptr) return empty;
  const T* typed = std::get_if<T>(value);
  STREAM_CHECK(typed != nullptr);
  return *typed;
}

}  // namespace

bool Values::has(std::string_view name) const { return find(*this, name) != nullptr; }

const std::string& Values::text(std::string_view name) const { return get_or_empty<std::string>(*this, name); }

bool Values::flag(std::string_view name) const { return text(name) == "true"; }

std::int64_t Values::integer(std::string_view name) const { return *parse_integer(text(name)); }

double Values::number(std::string_view name) const {
  const std::string& digits = text(name);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  STREAM_CHECK(error == std::errc() && end == digits.data() + digits.size());
  return value;
}

Microseconds Values::duration(std::string_view name) const { return *parse_duration(text(name)); }

std::uint64_t Values::size(std::string_view name) const { return *parse_size(text(name)); }

const std::vector<std::string>& Values::list(std::string_view name) const {
  return get_or_empty<std::vector<std::string>>(*this, name);
}

const std::vector<SelectItem>& Values::select(std::string_view name) const {
  return get_or_empty<std::vector<SelectItem>>(*this, name);
}

}  // namespace stream
