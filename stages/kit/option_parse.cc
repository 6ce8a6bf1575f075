#include "stages/kit/option_parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "stages/kit/option_check.h"
#include "stages/kit/option_table.h"
#include "transport/base/command_line.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::array<std::string_view, 7> kAnswers = {"help", "version",     "man",       "describe",
                                                      "plan", "json-schema", "completion"};

std::string flag_of(std::string_view name) { return "--" + std::string(name); }

void declare(CLI::App& app, const Option& option) {
  if (option.kind == OptionKind::kFlag) {
    app.add_flag(flag_of(option.name));
    return;
  }
  const std::string names = (option.positional ? std::string(option.name) + "," : "") + flag_of(option.name);
  app.add_option(names)->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Status unknown_option(std::string_view argument, std::span<const Option> options) {
  const std::string given(argument.substr(0, argument.find('=')));
  std::vector<std::string> names;
  for (const Option& option : options) {
    if (!option.hidden) names.push_back(flag_of(option.name));
  }
  return usage_error("unknown option '" + given + "'" + did_you_mean(given, names));
}

Status check_extras(std::vector<std::string> extras, std::span<const Option> options) {
  std::erase(extras, "--");  // CLI11 hands the mark on
  if (extras.empty()) return {};
  const auto option = std::ranges::find_if(extras, [](const std::string& a) { return a.starts_with("-"); });
  if (option != extras.end()) return unknown_option(*option, options);
  return usage_error("unexpected argument '" + extras.front() +
                     "'; a value with blanks must be quoted as one argument");
}

Result<Values::Value> read_flag(const CLI::Option& given) {
  const std::string text = given.results().back();
  if (given.count() > 1) return usage_error("given " + std::to_string(given.count()) + " times");
  if (text != "true" && text != "false") return usage_error("takes no value but true or false");
  return Values::Value(text);
}

Status read(const CLI::App& app, const Option& option, Values& values) {
  const CLI::Option& given = *app.get_option(flag_of(option.name));
  if (given.count() == 0) return {};
  if (option.kind == OptionKind::kFlag) {
    auto value = read_flag(given);
    if (!value.ok()) return std::move(value).status().while_doing("option '" + flag_of(option.name) + "'");
    values.set(std::string(option.name), *std::move(value));
    return {};
  }
  std::vector<SelectItem> items;
  for (const std::string& text : given.results()) items.push_back({"", text});
  auto value = check_option(option, std::move(items));
  if (!value.ok()) return std::move(value).status().while_doing("option '" + flag_of(option.name) + "'");
  values.set(std::string(option.name), *std::move(value));
  return {};
}

Status check_required(const StageProgram& program, const Values& values) {
  if (!answer_asked(values).empty() || values.has("control")) return {};
  for (const Option& option : program.options) {
    if (!option.required || values.has(option.name)) continue;
    const std::string arg(option.arg);
    if (option.positional) return usage_error("argument " + arg + " is missing; see --help");
    return usage_error("option '" + flag_of(option.name) + " " + arg + "' is missing");
  }
  return {};
}

}  // namespace

std::string_view answer_asked(const Values& values) {
  for (const std::string_view name : kAnswers) {
    if (name == "completion" ? values.has(name) : values.flag(name)) return name;
  }
  return {};
}

Result<Values> parse_command_line(const StageProgram& program, std::span<const std::string> args) {
  const std::vector<Option> options = command_line_options(program.options);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  for (const Option& option : options) declare(app, option);
  STREAM_TRY(read_command_line(app, args));
  STREAM_TRY(check_extras(app.remaining(), options));
  Values values;
  for (const Option& option : options) STREAM_TRY(read(app, option, values));
  STREAM_TRY(check_required(program, values));
  add_fallbacks(options, values);
  return values;
}

}  // namespace stream
