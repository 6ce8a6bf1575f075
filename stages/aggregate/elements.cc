#include "stages/aggregate/elements.h"

#include <unordered_map>

#include "stages/aggregate/quantiles.h"
#include "stages/format/json_value.h"

namespace stream {
namespace {

// The key of a member as it stands, in its quotes.
std::string_view key_of(std::string_view member) {
  std::size_t at = 1;
  while (member[at] != '"') at += member[at] == '\\' ? 2 : 1;
  return member.substr(0, at + 1);
}

std::vector<std::string_view> last_of_keys(const std::vector<std::string_view>& members) {
  std::unordered_map<std::string_view, std::size_t> last;
  for (std::size_t i = 0; i < members.size(); ++i) last[key_of(members[i])] = i;
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (last[key_of(members[i])] == i) out.push_back(members[i]);
  }
  return out;
}

std::string joined(const std::vector<std::string_view>& elements, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i != 0) out += separator;
    out += elements[i];
  }
  return out;
}

}  // namespace

Column quantile_buckets(const Column& numbers) {
  ColumnBuilder out(kBigint, numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers.valid(i))
      out.append(quantile_bucket(numbers.value<double>(i)));
    else
      out.append_null();
  }
  return out.finish();
}

Column json_texts(const Column& values) {
  ColumnBuilder out(kVarchar, values.size());
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    text.clear();
    format::append_json_value(values, i, text);
    out.append_bytes(text);
  }
  return out.finish();
}

Column json_members(const Column& keys, const Column& values, const std::uint8_t* chosen,
                    std::vector<RowError>* errors) {
  ColumnBuilder out(kVarchar, keys.size());
  std::string text;
  for (std::uint32_t i = 0; i < keys.size(); ++i) {
    text.clear();
    if (!keys.valid(i) && (chosen == nullptr || chosen[i] != 0))
      errors->push_back({i, "a key of json_object_agg() is NULL"});
    format::append_json_value(keys, i, text);
    text += ':';
    format::append_json_value(values, i, text);
    out.append_bytes(text);
  }
  return out.finish();
}

std::size_t separator_size(const AggregateCall& call) {
  return call.function == AggregateFunction::kStringAgg ? call.separator.size() : 1;
}

std::string list_of(const AggregateCall& call, const std::vector<std::string_view>& elements) {
  if (call.function == AggregateFunction::kStringAgg) return joined(elements, call.separator);
  if (call.function == AggregateFunction::kJsonAgg) return "[" + joined(elements, ",") + "]";
  return "{" + joined(last_of_keys(elements), ",") + "}";
}

}  // namespace stream
