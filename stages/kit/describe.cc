#include "stages/kit/describe.h"

#include <nlohmann/json.hpp>

#include "stages/kit/option_check.h"
#include "stages/kit/option_parse.h"
#include "stages/kit/option_table.h"
#include "transport/base/check.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

ordered_json describe(const Option& option) {
  ordered_json out = {{"name", option.name}, {"kind", kind_name(option.kind)}};
  if (!option.arg.empty()) out["arg"] = option.arg;
  out["doc"] = option.doc;
  if (!option.fallback.empty()) out["default"] = option.fallback;
  if (!option.choices.empty()) out["choices"] = choices_of(option);
  if (option.positional) out["positional"] = true;
  if (option.required) out["required"] = true;
  if (option.repeated) out["repeated"] = true;
  return out;
}

// What is wanted, or a text that has a parameter in it.
ordered_json or_parameter(ordered_json wanted, const char* as_text = nullptr) {
  ordered_json ways = ordered_json::array({std::move(wanted)});
  if (as_text != nullptr) ways.push_back({{"type", "string"}, {"pattern", as_text}});
  ways.push_back({{"type", "string"}, {"pattern", "\\$\\{[^}]+\\}"}});
  return {{"anyOf", std::move(ways)}};
}

// What a scalar of this kind may be in YAML or JSON; `pattern` and `enum` narrow texts.
ordered_json scalar_schema(const Option& option) {
  switch (option.kind) {
    case OptionKind::kFlag: return or_parameter({{"type", "boolean"}}, "^(true|false)$");
    case OptionKind::kInteger: return or_parameter({{"type", "integer"}}, "^-?[0-9]+$");
    case OptionKind::kNumber: return or_parameter({{"type", "number"}}, "^[0-9.eE+-]+$");
    case OptionKind::kSize: return {{"type", {"string", "integer"}}};
    case OptionKind::kChoice: return or_parameter({{"enum", choices_of(option)}});
    case OptionKind::kSecret: return or_parameter({{"type", "string"}, {"pattern", "^(env|file|credential):."}});
    case OptionKind::kText: return {{"type", {"string", "number", "boolean"}}};
    case OptionKind::kExpression: return {{"type", {"string", "number", "boolean"}}};
    default: return {{"type", "string"}};
  }
}

// A number of instances, or bounds of it.
ordered_json parallelism_schema() {
  const ordered_json count = {{"type", "integer"}, {"minimum", 1}, {"maximum", 1024}};
  ordered_json out = or_parameter(count, "^[0-9]+(\\.\\.[0-9]+)?$");
  const ordered_json bound = or_parameter(count, "^[0-9]+$");
  out["anyOf"].push_back({{"type", "object"},
                          {"properties", {{"min", bound}, {"max", bound}}},
                          {"required", {"max"}},
                          {"additionalProperties", false}});
  return out;
}

ordered_json property(const Option& option) {
  const ordered_json scalar = scalar_schema(option);
  ordered_json out = option.name == "parallelism" ? parallelism_schema() : scalar;
  const ordered_json list = {{"type", "array"}, {"items", scalar}, {"minItems", 1}};
  if (option.kind == OptionKind::kSelect) {
    const ordered_json map = {{"type", "object"},
                              {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}};
    const ordered_json mixed = {
        {"type", "array"}, {"items", {{"anyOf", {scalar, map}}}}, {"minItems", 1}};  // a list may hold maps
    out = {{"anyOf", {scalar, mixed, map}}};
  } else if (option.kind == OptionKind::kDurations) {
    out = {{"anyOf", {scalar, {{"type", "object"}, {"additionalProperties", scalar}}}}};
  } else if (option.repeated || option.kind == OptionKind::kColumns) {
    out = {{"anyOf", {scalar, list}}};
  }
  out["description"] = option.doc;
  if (!option.fallback.empty()) out["default"] = option.fallback;
  return out;
}

}  // namespace

std::string_view kind_name(StageKind kind) {
  switch (kind) {
    case StageKind::kSource: return "source";
    case StageKind::kOperator: return "operator";
    case StageKind::kSink: return "sink";
  }
  return "";
}

std::string_view kind_name(OptionKind kind) {
  switch (kind) {
    case OptionKind::kText: return "text";
    case OptionKind::kFlag: return "flag";
    case OptionKind::kInteger: return "integer";
    case OptionKind::kNumber: return "number";
    case OptionKind::kDuration: return "duration";
    case OptionKind::kDurations: return "durations";
    case OptionKind::kSize: return "size";
    case OptionKind::kChoice: return "choice";
    case OptionKind::kPath: return "path";
    case OptionKind::kExpression: return "expression";
    case OptionKind::kSelect: return "select";
    case OptionKind::kColumns: return "columns";
    case OptionKind::kWindow: return "window";
    case OptionKind::kSchema: return "schema";
    case OptionKind::kCommand: return "command";
    case OptionKind::kSecret: return "secret";
  }
  return "";
}

std::string describe_json(const StageProgram& program) {
  ordered_json out = {{"protocol", 1},
                      {"name", program.name},
                      {"version", STREAM_VERSION},
                      {"summary", program.summary},
                      {"kind", kind_name(program.kind)},
                      {"inputs-max", program.kind == StageKind::kSource ? 0 : program.inputs_max}};
  out["outputs"] = ordered_json::array();
  if (program.kind != StageKind::kSink) out["outputs"].push_back("out");
  for (const std::string_view output : program.outputs) out["outputs"].push_back(output);
  out["outputs"].push_back("errors");
  out["options"] = ordered_json::array();
  for (const Option& option : program.options) out["options"].push_back(describe(option));
  return out.dump() + "\n";
}

std::string json_schema(const StageProgram& program) {
  ordered_json out = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"title", program.name},
                      {"description", program.summary},
                      {"type", "object"}};
  ordered_json required = ordered_json::array({"run"});
  for (const Option& option : manifest_options(program.options)) {
    out["properties"][std::string(option.name)] = property(option);
    if (option.required && option.name != "run") required.push_back(option.name);
  }
  out["properties"]["run"] = {{"const", program.name}};
  out["required"] = required;
  out["additionalProperties"] = false;
  return out.dump(2) + "\n";
}

std::string answer_text(const StageProgram& program, const Values& values) {
  const std::string_view asked = answer_asked(values);
  if (asked == "help") return help_text(program);
  if (asked == "version") return "stream-" + std::string(program.name) + " " STREAM_VERSION "\n";
  if (asked == "man") return man_page(program);
  if (asked == "describe") return describe_json(program);
  if (asked == "json-schema") return json_schema(program);
  STREAM_CHECK(asked == "completion");
  return completion_script(program, values.text("completion"));
}

}  // namespace stream
