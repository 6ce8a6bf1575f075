#include "cli/verb_values.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "transport/base/command_line.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string flag_of(const VerbOption& option) { return "--" + std::string(option.name); }

// How messages name it.
std::string title_of(const VerbOption& option) {
  return option.positional ? "argument " + std::string(option.arg) : "option '" + flag_of(option) + "'";
}

std::string key_of(const VerbOption& option) { return option.positional ? std::string(option.name) : flag_of(option); }

std::vector<VerbOption> options_of(const Verb& verb) {
  std::vector<VerbOption> options(verb.table->options.begin(), verb.table->options.end());
  options.insert(options.end(), common_verb_options().begin(), common_verb_options().end());
  return options;
}

void declare(CLI::App& app, const VerbOption& option) {
  const std::string names = (option.letter == '\0' ? "" : std::string("-") + option.letter + ",") + key_of(option);
  if (option.kind == ValueKind::kFlag) {
    app.add_flag(names);
    return;
  }
  CLI::Option& declared = *app.add_option(names)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (option.positional && option.repeated)
    declared.expected(-1);
  else
    declared.expected(1)->allow_extra_args(false);
}

Status unexpected(const std::string& argument, std::span<const VerbOption> options) {
  const bool pipeline = std::ranges::find(options, ValueKind::kPipeline, &VerbOption::kind) != options.end();
  return usage_error("unexpected argument '" + argument + "'" +
                     (pipeline ? "; a pipeline must be quoted as one argument" : ""));
}

Status check_extras(const CLI::App& app, std::span<const VerbOption> options) {
  for (std::string extra : app.remaining()) {
    if (extra == "--") continue;
    if (!extra.starts_with("-")) return unexpected(extra, options);
    extra = extra.substr(0, extra.find('='));
    std::vector<std::string> names;
    for (const VerbOption& option : options) {
      if (!option.positional) names.push_back(flag_of(option));
    }
    return usage_error("unknown option '" + extra + "'" + did_you_mean(extra, names));
  }
  return {};
}

Status check_integer(const VerbOption& option, const std::string& text) {
  const auto value = parse_integer(text);
  if (!value.ok()) return value.status();
  if (*value >= option.least && *value <= option.most) return {};
  return usage_error("'" + text + "' is not within " + std::to_string(option.least) + " and " +
                     std::to_string(option.most));
}

Status check_choice(const VerbOption& option, const std::string& text) {
  const std::vector<std::string> choices = split(option.choices, '|');
  if (std::ranges::find(choices, text) != choices.end()) return {};
  return usage_error("'" + text + "' is not one of " + join(choices, ", ") + did_you_mean(text, choices));
}

Status check(const VerbOption& option, const std::string& text) {
  switch (option.kind) {
    case ValueKind::kInteger: return check_integer(option, text);
    case ValueKind::kDuration: return parse_duration(text).status();
    case ValueKind::kChoice: return check_choice(option, text);
    default: return {};
  }
}

Status read(const CLI::App& app, const VerbOption& option, VerbValues& values) {
  const CLI::Option& given = *app.get_option(key_of(option));
  if (given.count() == 0) {
    if (!option.fallback.empty()) values.set(option.name, {std::string(option.fallback)});
    return {};
  }
  if (option.kind == ValueKind::kFlag) {
    if (given.results().back() == "true") values.set(option.name, {""});
    return {};
  }
  if (given.count() > 1 && !option.repeated)
    return usage_error(title_of(option) + " is given " + std::to_string(given.count()) + " times");
  for (const std::string& text : given.results()) {
    if (Status wrong = check(option, text); !wrong.ok()) return std::move(wrong).while_doing(title_of(option));
  }
  values.set(option.name, given.results());
  return {};
}

Status check_together(std::span<const VerbOption> options, const VerbValues& values) {
  for (const VerbOption& option : options) {
    if (option.required && !values.has(option.name)) return usage_error(title_of(option) + " is missing");
    if (option.excludes.empty() || !values.has(option.name) || !values.has(option.excludes)) continue;
    return usage_error(title_of(option) + " excludes '--" + std::string(option.excludes) + "'");
  }
  return {};
}

}  // namespace

bool VerbValues::has(std::string_view name) const { return values_.contains(name); }

const std::vector<std::string>& VerbValues::list(std::string_view name) const {
  static const std::vector<std::string> none;
  const auto it = values_.find(name);
  return it == values_.end() ? none : it->second;
}

const std::string& VerbValues::text(std::string_view name) const {
  static const std::string none;
  const std::vector<std::string>& values = list(name);
  return values.empty() ? none : values.back();
}

std::int64_t VerbValues::integer(std::string_view name) const { return *parse_integer(text(name)); }

Microseconds VerbValues::duration(std::string_view name) const { return *parse_duration(text(name)); }

Result<VerbValues> parse_verb(const Verb& verb, std::span<const std::string> args) {
  const std::vector<VerbOption> options = options_of(verb);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  for (const VerbOption& option : options) declare(app, option);
  STREAM_TRY(read_command_line(app, args));
  STREAM_TRY(check_extras(app, options));
  VerbValues values;
  for (const VerbOption& option : options) STREAM_TRY(read(app, option, values));
  if (!values.has("help") && !values.has("man")) STREAM_TRY(check_together(options, values));
  return values;
}

}  // namespace stream
