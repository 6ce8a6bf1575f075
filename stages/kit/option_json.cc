#include "stages/kit/option_json.h"

#include <nlohmann/json.hpp>

#include "stages/kit/option_check.h"
#include "stages/kit/option_table.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

Result<std::string> scalar_text(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return usage_error("a text, a number, true or false is expected");
}

Result<std::vector<SelectItem>> items_of(const ordered_json& value) {
  std::vector<SelectItem> items;
  if (value.is_object()) {
    for (const auto& [name, item] : value.items()) {
      STREAM_ASSIGN(std::string text, scalar_text(item));
      items.push_back({name, std::move(text)});
    }
    return items;
  }
  if (!value.is_array()) {
    STREAM_ASSIGN(std::string text, scalar_text(value));
    items.push_back({"", std::move(text)});
    return items;
  }
  for (const ordered_json& item : value) {
    STREAM_ASSIGN(std::vector<SelectItem> inner, items_of(item));
    items.insert(items.end(), inner.begin(), inner.end());
  }
  return items;
}

Result<Values::Value> value_of(const Option& option, const ordered_json& json) {
  STREAM_ASSIGN(std::vector<SelectItem> items, items_of(json));
  if (items.empty()) return usage_error("the list is empty");
  return check_option(option, std::move(items), json.is_array() ? Items::kOne : Items::kSeveral);
}

std::string unknown(const std::string& name, std::span<const Option> options) {
  std::vector<std::string> names;
  for (const Option& option : options) names.emplace_back(option.name);
  return "there is no such option" + did_you_mean(name, names);
}

void read_values(const ordered_json& object, std::span<const Option> options, Values& values,
                 std::vector<OptionError>& errors) {
  for (const auto& [name, json] : object.items()) {
    const Option* option = find_option(options, name);
    if (option == nullptr) {
      errors.push_back({name, unknown(name, options)});
      continue;
    }
    auto value = value_of(*option, json);
    if (value.ok())
      values.set(name, *std::move(value));
    else
      errors.push_back({name, value.status().what()});
  }
}

ordered_json to_json(const std::vector<SelectItem>& items) {
  ordered_json list = ordered_json::array();
  for (const SelectItem& item : items) {
    if (item.name.empty())
      list.push_back(item.text);
    else
      list.push_back({{item.name, item.text}});
  }
  return list;
}

}  // namespace

Values check_values(std::span<const Option> own, std::string_view text, std::vector<OptionError>* errors) {
  const std::vector<Option> options = assigned_options(own);
  Values values;
  const ordered_json object = ordered_json::parse(text, nullptr, false);
  if (!object.is_object()) {
    errors->push_back({"", "the options are not a JSON object"});
    return values;
  }
  read_values(object, options, values, *errors);
  for (const Option& option : options) {
    if (option.required && !object.contains(option.name)) {
      errors->push_back({std::string(option.name), "a value is required"});
    }
  }
  add_fallbacks(options, values);
  return values;
}

Result<Values> values_from_json(std::span<const Option> own, std::string_view json) {
  std::vector<OptionError> errors;
  Values values = check_values(own, json, &errors);
  if (errors.empty()) return values;
  const OptionError& first = errors.front();
  return usage_error(first.option.empty() ? first.message : "option '" + first.option + "': " + first.message);
}

std::string values_to_json(const Values& values) {
  ordered_json out = ordered_json::object();
  for (const auto& [name, value] : values.all()) {
    if (const auto* text = std::get_if<std::string>(&value))
      out[name] = *text;
    else if (const auto* list = std::get_if<std::vector<std::string>>(&value))
      out[name] = *list;
    else
      out[name] = to_json(std::get<std::vector<SelectItem>>(value));
  }
  return out.dump();
}

}  // namespace stream
