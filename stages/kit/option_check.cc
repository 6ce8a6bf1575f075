#include "stages/kit/option_check.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "stages/kit/option_window.h"
#include "transport/base/check.h"
#include "transport/base/secret.h"
#include "transport/base/text.h"
#include "transport/record/schema.h"

namespace stream {
namespace {

Status check_flag(const std::string& text) {
  if (text == "true" || text == "false") return {};
  return usage_error("'" + text + "' is neither true nor false");
}

Status check_number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return usage_error("'" + text + "' is not a number");
}

Status check_choice(const Option& option, const std::string& text) {
  const std::vector<std::string> choices = choices_of(option);
  if (std::ranges::find(choices, text) != choices.end()) return {};
  return usage_error("'" + text + "' is not one of " + join(choices, ", ") + did_you_mean(text, choices));
}

Status check_not_empty(const std::string& text) {
  return trim(text).empty() ? usage_error("the value is empty") : Status();
}

template <class T>
Status status_of(Result<T> result) {
  return result.ok() ? Status() : std::move(result).status();
}

Status check_text(const Option& option, const std::string& text) {
  switch (option.kind) {
    case OptionKind::kText: return {};
    case OptionKind::kFlag: return check_flag(text);
    case OptionKind::kInteger: return status_of(parse_integer(text));
    case OptionKind::kNumber: return check_number(text);
    case OptionKind::kDurations:
    case OptionKind::kDuration: return status_of(parse_duration(text));
    case OptionKind::kSize: return status_of(parse_size(text));
    case OptionKind::kChoice: return check_choice(option, text);
    case OptionKind::kPath:
    case OptionKind::kExpression:
    case OptionKind::kSelect:
    case OptionKind::kCommand:
    case OptionKind::kColumns: return check_not_empty(text);
    case OptionKind::kWindow: return status_of(parse_window(text));
    case OptionKind::kSchema: return status_of(parse_schema(text));
    case OptionKind::kSecret: return check_secret_reference(text);
  }
  return {};
}

// Paths, expressions and secrets may hold commas of their own.
bool comma_separated(const Option& option) {
  constexpr std::array kKinds = {OptionKind::kText,     OptionKind::kInteger, OptionKind::kNumber,
                                 OptionKind::kDuration, OptionKind::kSize,    OptionKind::kChoice};
  return std::ranges::find(kKinds, option.kind) != kKinds.end();
}

std::vector<std::string> split_items(const Option& option, const std::string& text) {
  if (option.kind == OptionKind::kColumns) return split_columns(text);
  if (!comma_separated(option)) return {text};
  std::vector<std::string> parts = split(text, ',');
  for (std::string& part : parts) part = std::string(trim(part));
  return parts;
}

Result<Values::Value> check_list(const Option& option, const std::vector<SelectItem>& given, Items items) {
  std::vector<std::string> list;
  for (const SelectItem& item : given) {
    if (items == Items::kOne)
      list.push_back(item.text);
    else
      std::ranges::move(split_items(option, item.text), std::back_inserter(list));
  }
  for (const std::string& text : list) STREAM_TRY(check_text(option, text));
  return Values::Value(std::move(list));
}

Result<Values::Value> check_select(const Option& option, std::vector<SelectItem> given) {
  for (const SelectItem& item : given) {
    STREAM_TRY(check_text(option, item.text).while_doing(item.name.empty() ? "item" : item.name));
  }
  return Values::Value(std::move(given));
}

// "1h" is for all, "o=1h,p=30m" names what each is for.
Result<Values::Value> check_durations(const Option& option, const std::vector<SelectItem>& given) {
  std::vector<SelectItem> items;
  for (const SelectItem& item : given) {
    if (!item.name.empty()) {
      items.push_back(item);
      continue;
    }
    for (const std::string& part : split(item.text, ',')) {
      const std::size_t equals = part.find('=');
      if (equals == std::string::npos)
        items.push_back({"", std::string(trim(part))});
      else
        items.push_back({std::string(trim(part.substr(0, equals))), std::string(trim(part.substr(equals + 1)))});
    }
  }
  for (const SelectItem& item : items) {
    if (item.name.empty() && items.size() > 1)
      return usage_error("it is one duration for all, or a name for each, as in a=1h,b=30m");
  }
  return check_select(option, std::move(items));
}

}  // namespace

std::vector<std::string> choices_of(const Option& option) {
  return option.choices.empty() ? std::vector<std::string>() : split(option.choices, '|');
}

std::vector<std::string> split_columns(std::string_view text) {
  std::vector<std::string> names;
  std::string name;
  bool quoted = false;
  bool was_quoted = false;
  const auto finish = [&] {
    names.emplace_back(was_quoted ? name : std::string(trim(name)));
    name.clear();
    was_quoted = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      name += text[++i];
    } else if (c == '"' && (quoted || trim(name).empty())) {
      if (!quoted) name.clear();
      quoted = !quoted;
      was_quoted = true;
    } else if (c == ',' && !quoted) {
      finish();
    } else if (!was_quoted || quoted || trim(std::string_view(&c, 1)) != "") {
      name += c;
    }
  }
  finish();
  return names;
}

Result<Values::Value> check_option(const Option& option, std::vector<SelectItem> given, Items items) {
  STREAM_CHECK(!given.empty() || option.repeated || option.kind == OptionKind::kSelect ||
               option.kind == OptionKind::kColumns);
  if (option.kind == OptionKind::kSelect) return check_select(option, std::move(given));
  if (option.kind == OptionKind::kDurations) return check_durations(option, given);
  if (std::ranges::any_of(given, [](const SelectItem& item) { return !item.name.empty(); })) {
    return usage_error("a map is not expected here");
  }
  if (option.repeated || option.kind == OptionKind::kColumns) return check_list(option, given, items);
  if (given.size() > 1) return usage_error("one value is expected, not " + std::to_string(given.size()));
  STREAM_TRY(check_text(option, given[0].text));
  return Values::Value(std::move(given[0].text));
}

void add_fallbacks(std::span<const Option> options, Values& values) {
  for (const Option& option : options) {
    if (option.fallback.empty() || values.has(option.name)) continue;
    auto value = check_option(option, {{"", std::string(option.fallback)}});
    STREAM_CHECK(value.ok());
    values.set(std::string(option.name), *std::move(value));
  }
}

}  // namespace stream
