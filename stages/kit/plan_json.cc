#include "stages/kit/plan_json.h"

#include <array>
#include <nlohmann/json.hpp>

#include "stages/kit/option_json.h"
#include "transport/base/json_fields.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

constexpr int kProtocol = 1;

Result<std::vector<PlanInput>> read_inputs(const ordered_json& object) {
  std::vector<PlanInput> inputs;
  for (const ordered_json& input : list_at(object, "inputs")) {
    if (!input.is_object() || !input.contains("schema")) return usage_error("plan: an input needs a name and a schema");
    auto schema = schema_from_json(input["schema"].dump());
    if (!schema.ok()) return usage_error("plan: input '" + text_at(input, "name") + "': " + schema.status().what());
    inputs.push_back({text_at(input, "name"), *std::move(schema)});
  }
  return inputs;
}

std::optional<PlanSample> read_sample(const ordered_json& object) {
  const auto it = object.find("sample");
  if (it == object.end() || !it->is_object()) return std::nullopt;
  return PlanSample{text_at(*it, "text"), flag_at(*it, "complete"), flag_at(*it, "exhausted")};
}

constexpr std::pair<Partition, const char*> kPartitions[] = {{Partition::kAny, "any"},
                                                             {Partition::kHash, "hash"},
                                                             {Partition::kBroadcast, "broadcast"},
                                                             {Partition::kSingle, "single"}};

constexpr std::pair<UpdateBefore, const char*> kUpdateBefores[] = {
    {UpdateBefore::kRead, "read"}, {UpdateBefore::kPassed, "passed"}, {UpdateBefore::kUnread, "unread"}};

template <class T, std::size_t N>
const char* word_of(const std::pair<T, const char*> (&words)[N], T value) {
  for (const auto& [candidate, word] : words) {
    if (candidate == value) return word;
  }
  return "";
}

template <class T, std::size_t N>
Result<T> value_of(const std::pair<T, const char*> (&words)[N], const std::string& text, const char* field) {
  for (const auto& [value, word] : words) {
    if (text == word) return value;
  }
  return corrupt("plan: '" + text + "' is not a " + field);
}

ordered_json output_json(const OutputPlan& output) {
  ordered_json lineage = ordered_json::array();
  for (const std::vector<ColumnRef>& refs : output.lineage) {
    ordered_json list = ordered_json::array();
    for (const ColumnRef& ref : refs) list.push_back(ordered_json::array({ref.input, ref.column}));
    lineage.push_back(std::move(list));
  }
  return {{"name", output.name}, {"schema", ordered_json::parse(schema_to_json(output.schema))}, {"lineage", lineage}};
}

ordered_json input_json(const InputPlan& input) {
  ordered_json out = {{"needs", input.needs}, {"partition", word_of(kPartitions, input.partition)}};
  if (input.partition == Partition::kHash) out["columns"] = input.partition_columns;
  if (input.update_before != UpdateBefore::kRead) out["update_before"] = word_of(kUpdateBefores, input.update_before);
  return out;
}

ordered_json state_json(const StateTablePlan& table) { return ordered_json::parse(spec_to_json(table)); }

ordered_json error_json(const PlanError& error) {
  ordered_json out = {{"option", error.option}, {"offset", error.offset}, {"message", error.message}};
  if (!error.hint.empty()) out["hint"] = error.hint;
  if (wrong_for_any_input(error)) out["any_input"] = true;
  return out;
}

ordered_json target_json(const PlanTarget& target) {
  ordered_json out = {{"option", target.option}, {"path", target.path}, {"folder", target.folder}};
  if (!target.part.empty()) out["part"] = target.part;
  return out;
}

template <class T, class F>
ordered_json list_json(const std::vector<T>& items, F to_json) {
  ordered_json out = ordered_json::array();
  for (const T& item : items) out.push_back(to_json(item));
  return out;
}

Result<OutputPlan> read_output(const ordered_json& json) {
  if (!json.is_object() || !json.contains("schema")) return corrupt("plan: an output needs a name and a schema");
  OutputPlan output{.name = text_at(json, "name"), .schema = {}, .lineage = {}};
  STREAM_ASSIGN(output.schema, schema_from_json(json["schema"].dump()));
  for (const ordered_json& list : list_at(json, "lineage")) {
    std::vector<ColumnRef> refs;
    for (const ordered_json& ref : list) {
      if (!ref.is_array() || ref.size() != 2 || !ref[0].is_number_unsigned() || !ref[1].is_string()) {
        return corrupt("plan: lineage is not a list of [input, column]");
      }
      refs.push_back({ref[0].get<std::size_t>(), ref[1].get<std::string>()});
    }
    output.lineage.push_back(std::move(refs));
  }
  return output;
}

Result<InputPlan> read_input(const ordered_json& json) {
  if (!json.is_object()) return corrupt("plan: an input is not an object");
  InputPlan input;
  input.needs = texts_at(json, "needs");
  STREAM_ASSIGN(input.partition, value_of(kPartitions, text_at(json, "partition"), "partition"));
  input.partition_columns = texts_at(json, "columns");
  if (json.contains("update_before")) {
    STREAM_ASSIGN(input.update_before,
                  value_of(kUpdateBefores, text_at(json, "update_before"), "use of update-before"));
  }
  return input;
}

Result<StateTablePlan> read_state(const ordered_json& json) {
  Result<StateTablePlan> table = spec_from_json(json.dump());
  return table.ok() ? std::move(table) : corrupt("plan: " + table.status().what());
}

PlanError read_error(const ordered_json& json) {
  PlanError error{.option = text_at(json, "option"),
                  .offset = 0,
                  .message = text_at(json, "message"),
                  .hint = text_at(json, "hint")};
  if (json.contains("offset") && json["offset"].is_number_unsigned()) error.offset = json["offset"];
  return error;
}

PlanTarget read_target(const ordered_json& json) {
  return {text_at(json, "option"), text_at(json, "path"), flag_at(json, "folder"), text_at(json, "part")};
}

template <class T, class F>
Status read_list(const ordered_json& list, std::vector<T>& items, F read) {
  for (const ordered_json& json : list) {
    STREAM_ASSIGN(T item, read(json));
    items.push_back(std::move(item));
  }
  return {};
}

}  // namespace

Result<PlanQuestion> plan_question_from_json(std::string_view text) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return usage_error("plan: the request is not a JSON object");
  if (!json.contains("protocol") || json["protocol"] != kProtocol) {
    return usage_error("plan: the request is not of protocol " + std::to_string(kProtocol));
  }
  PlanQuestion question{.stage = text_at(json, "stage"),
                        .options_json = "{}",
                        .inputs = {},
                        .folder = text_at(json, "folder"),
                        .parallelism = 1,
                        .sample = {}};
  if (json.contains("options")) question.options_json = json["options"].dump();
  if (json.contains("parallelism") && json["parallelism"].is_number_unsigned())
    question.parallelism = json["parallelism"];
  question.sample = read_sample(json);
  STREAM_ASSIGN(question.inputs, read_inputs(json));
  return question;
}

namespace {

ordered_json combining_json(const PlanCombining& combining) {
  return {{"partial", combining.partial},
          {"final", combining.final},
          {"unless_read", combining.unless_read},
          {"asked", combining.asked}};
}

std::map<std::string, std::string> options_at(const ordered_json& json, const char* name) {
  std::map<std::string, std::string> options;
  if (!json.contains(name) || !json[name].is_object()) return options;
  for (const auto& [option, value] : json[name].items()) {
    if (value.is_string()) options[option] = value.get<std::string>();
  }
  return options;
}

std::optional<PlanCombining> read_combining(const ordered_json& json) {
  if (!json.contains("combining") || !json["combining"].is_object()) return std::nullopt;
  const ordered_json& from = json["combining"];
  return PlanCombining{options_at(from, "partial"), options_at(from, "final"), texts_at(from, "unless_read"),
                       flag_at(from, "asked")};
}

}  // namespace

std::string_view goes_back_name(GoesBack goes_back) {
  constexpr std::array<std::string_view, 4> kNames = {"nothing", "all", "inserted", "none"};
  return kNames[static_cast<std::size_t>(goes_back)];
}

std::string plan_answer_to_json(const PlanAnswer& answer) {
  ordered_json out = {{"protocol", kProtocol}};
  out["outputs"] = list_json(answer.outputs, output_json);
  out["inputs"] = list_json(answer.inputs, input_json);
  out["state"] = list_json(answer.state, state_json);
  out["exactly_once"] = answer.exactly_once;
  if (!answer.visible.empty()) out["visible"] = answer.visible;
  if (answer.goes_back != GoesBack::kNothing) out["goes_back"] = goes_back_name(answer.goes_back);
  if (!answer.replayed.empty()) out["replayed"] = answer.replayed;
  out["parallelism_max"] = answer.parallelism_max;
  if (!answer.parallelism_why.empty()) out["parallelism_why"] = answer.parallelism_why;
  if (answer.pushed_filter) out["pushed_filter"] = *answer.pushed_filter;
  if (answer.combining) out["combining"] = combining_json(*answer.combining);
  if (answer.reads_stdin) out["reads_stdin"] = true;
  if (answer.keeps_inbox) out["keeps_inbox"] = true;
  if (answer.sample_bytes != 0) out["sample_bytes"] = answer.sample_bytes;
  if (!answer.fixed.empty()) out["fixed"] = answer.fixed;
  if (!answer.writes.empty()) out["writes"] = list_json(answer.writes, target_json);
  out["cacheable"] = answer.cacheable;
  out["warnings"] = answer.warnings;
  out["errors"] = list_json(answer.errors, error_json);
  return out.dump();
}

Result<PlanAnswer> plan_answer_from_json(std::string_view text) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return corrupt("plan: the answer is not a JSON object");
  if (!json.contains("protocol") || json["protocol"] != kProtocol)
    return corrupt("plan: the answer is not of protocol 1");
  PlanAnswer answer;
  STREAM_TRY(read_list(list_at(json, "outputs"), answer.outputs, read_output));
  STREAM_TRY(read_list(list_at(json, "inputs"), answer.inputs, read_input));
  STREAM_TRY(read_list(list_at(json, "state"), answer.state, read_state));
  answer.exactly_once = !json.contains("exactly_once") || json["exactly_once"] != false;
  answer.visible = text_at(json, "visible");
  for (const GoesBack each : {GoesBack::kAll, GoesBack::kInserted, GoesBack::kNone}) {
    if (text_at(json, "goes_back") == goes_back_name(each)) answer.goes_back = each;
  }
  answer.replayed = text_at(json, "replayed");
  if (json.contains("parallelism_max") && json["parallelism_max"].is_number_unsigned()) {
    answer.parallelism_max = json["parallelism_max"];
  }
  answer.parallelism_why = text_at(json, "parallelism_why");
  if (json.contains("pushed_filter")) answer.pushed_filter = text_at(json, "pushed_filter");
  answer.combining = read_combining(json);
  answer.reads_stdin = flag_at(json, "reads_stdin");
  answer.keeps_inbox = flag_at(json, "keeps_inbox");
  if (json.contains("sample_bytes") && json["sample_bytes"].is_number_unsigned()) {
    answer.sample_bytes = json["sample_bytes"];
  }
  answer.fixed = options_at(json, "fixed");
  for (const ordered_json& target : list_at(json, "writes")) answer.writes.push_back(read_target(target));
  answer.cacheable = flag_at(json, "cacheable");
  answer.warnings = texts_at(json, "warnings");
  for (const ordered_json& error : list_at(json, "errors")) answer.errors.push_back(read_error(error));
  return answer;
}

bool wrong_for_any_input(const PlanError& error) { return !error.message.starts_with("no column"); }

PlanAnswer plan_stage(const StageProgram& program, const PlanRequest& request) {
  PlanAnswer answer = program.plan(request);
  if (answer.sample_bytes != 0) return answer;  // nothing is known yet
  if (program.kind != StageKind::kSource || !request.options.has("time") || !answer.errors.empty()) return answer;
  const std::string& name = request.options.text("time");
  for (OutputPlan& output : answer.outputs) {
    const auto column = output.schema.find(name);
    if (!column) {
      answer.errors.push_back({"time", 0, "no column '" + name + "'" + did_you_mean(name, output.schema.names()), ""});
    } else if (output.schema.fields[*column].type != kTimestamp) {
      answer.errors.push_back({"time", 0,
                               "column '" + name + "' is " + to_string(output.schema.fields[*column].type) +
                                   ", not TIMESTAMP; declare it in `schema:`",
                               ""});
    } else {
      output.schema.time = column;
    }
  }
  return answer;
}

Result<std::string> run_plan(const StageProgram& program, std::string_view request) {
  STREAM_ASSIGN(const PlanQuestion question, plan_question_from_json(request));
  std::vector<OptionError> wrong;
  const Values values = check_values(program.options, question.options_json, &wrong);
  PlanAnswer answer;
  for (const OptionError& error : wrong) answer.errors.push_back({error.option, 0, error.message, ""});
  if (wrong.empty()) {
    answer = plan_stage(program, {values, question.inputs, question.folder, question.parallelism, question.stage, true,
                                  question.sample});
  }
  return plan_answer_to_json(answer) + "\n";
}

}  // namespace stream
