#include "supervisor/stage_info.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include <vector>
#include "transport/base/json_fields.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

Result<StageRole> role_of(const std::string& text) {
  for (const StageRole role : {StageRole::kSource, StageRole::kOperator, StageRole::kSink}) {
    if (role_name(role) == text) return role;
  }
  return corrupt("describe: '" + text + "' is not a kind of stage");
}

Result<OptionInfo> read_option(const json& option) {
  if (!option.is_object() || text_at(option, "name").empty()) return corrupt("describe: an option has no name");
  return OptionInfo{.name = text_at(option, "name"),
                    .kind = text_at(option, "kind"),
                    .arg = text_at(option, "arg"),
                    .doc = text_at(option, "doc"),
                    .fallback = text_at(option, "default"),
                    .choices = texts_at(option, "choices"),
                    .positional = flag_at(option, "positional"),
                    .required = flag_at(option, "required"),
                    .repeated = flag_at(option, "repeated")};
}

OptionInfo reserved(std::string name, std::string kind, std::string arg, std::string fallback = "",
                    std::vector<std::string> choices = {}) {
  OptionInfo option{.name = std::move(name),
                    .kind = std::move(kind),
                    .arg = std::move(arg),
                    .doc = {},
                    .fallback = std::move(fallback),
                    .choices = std::move(choices)};
  option.repeated = option.name == "from" || option.name == "hosts";
  option.required = option.name == "run";
  return option;
}

constexpr std::string_view kSupervisors[] = {"run", "from", "parallelism", "memory", "log", "hosts", "near", "place"};

}  // namespace

std::span<const OptionInfo> reserved_options() {
  static const std::vector<OptionInfo> options = {
      reserved("time", "text", "COLUMN"),
      reserved("out-of-order", "duration", "DURATION", "0s"),
      reserved("idle", "duration", "DURATION"),
      reserved("schema", "schema", "COLUMNS"),
      reserved("on-error", "choice", "POLICY", "", {"dead-letter", "skip", "fail"}),
      reserved("run", "text", "STAGE"),
      reserved("from", "select", "STAGE"),
      reserved("parallelism", "integer", "N", "1"),
      reserved("memory", "size", "SIZE", "512MiB"),
      reserved("log", "choice", "LEVEL", "info", {"trace", "debug", "info", "warning", "error"}),
      reserved("hosts", "text", "HOST"),
      reserved("near", "text", "STAGE"),
      reserved("place", "choice", "RULE", "", {"spread", "pack"}),
  };
  return options;
}

bool reaches_stage(std::string_view option) {
  return std::ranges::find(kSupervisors, option) == std::end(kSupervisors);
}

std::span<const std::string_view> reading_options() {
  static constexpr std::array<std::string_view, 4> kNames = {"time", "out-of-order", "idle", "schema"};
  return kNames;
}

const OptionInfo* StageInfo::find(std::string_view option) const {
  const auto own = std::ranges::find(options, option, &OptionInfo::name);
  if (own != options.end()) return &*own;
  const auto common = std::ranges::find(reserved_options(), option, &OptionInfo::name);
  return common == reserved_options().end() ? nullptr : &*common;
}

std::vector<std::string> StageInfo::option_names() const {
  std::vector<std::string> names;
  for (const OptionInfo& option : options) names.push_back(option.name);
  for (const OptionInfo& option : reserved_options()) names.push_back(option.name);
  return names;
}

std::string no_option(const StageInfo& stage, const std::string& name, std::string_view written) {
  if (name == "ttl") {
    return "'" + stage.name + "' keeps no state that '" + std::string(written) +
           "' could end; leave it out, or give it to the stage whose state grows";
  }
  return "'" + stage.name + "' has no option '" + std::string(written) + "'" + did_you_mean(name, stage.option_names());
}

std::string_view role_name(StageRole role) {
  switch (role) {
    case StageRole::kSource: return "source";
    case StageRole::kOperator: return "operator";
    case StageRole::kSink: return "sink";
  }
  return "";
}

Result<StageInfo> stage_info_from_json(std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return corrupt("describe: not a JSON object");
  if (!in.contains("protocol") || in["protocol"] != 1) return corrupt("describe: not of protocol 1");
  StageInfo info{.name = text_at(in, "name"),
                 .version = text_at(in, "version"),
                 .summary = text_at(in, "summary"),
                 .role = {},
                 .inputs_max = 1,
                 .outputs = texts_at(in, "outputs"),
                 .options = {},
                 .executable = {}};
  STREAM_ASSIGN(info.role, role_of(text_at(in, "kind")));
  if (in.contains("inputs-max") && in["inputs-max"].is_number_unsigned()) info.inputs_max = in["inputs-max"];
  if (!in.contains("options") || !in["options"].is_array()) return corrupt("describe: 'options' is not a list");
  for (const json& option : in["options"]) {
    STREAM_ASSIGN(OptionInfo read, read_option(option));
    info.options.push_back(std::move(read));
  }
  return info;
}

}  // namespace stream
