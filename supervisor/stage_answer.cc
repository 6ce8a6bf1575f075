#include "supervisor/stage_answer.h"

#include <nlohmann/json.hpp>

#include "transport/base/json_fields.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

FixedOptions options_at(const ordered_json& object, const char* name) {
  FixedOptions options;
  if (!object.contains(name) || !object[name].is_object()) return options;
  for (const auto& [option, value] : object[name].items()) {
    if (value.is_string()) options[option] = value.get<std::string>();
  }
  return options;
}

std::optional<AnsweredCombining> read_combining(const ordered_json& object) {
  if (!object.contains("combining") || !object["combining"].is_object()) return std::nullopt;
  const ordered_json& from = object["combining"];
  return AnsweredCombining{options_at(from, "partial"), options_at(from, "final"), texts_at(from, "unless_read"),
                           flag_at(from, "asked")};
}

ordered_json combining_json(const AnsweredCombining& combining) {
  return {{"partial", combining.partial},
          {"final", combining.final},
          {"unless_read", combining.unless_read},
          {"asked", combining.asked}};
}

Result<Schema> schema_at(const ordered_json& object) {
  if (!object.is_object() || !object.contains("schema")) return corrupt("plan: an output has no schema");
  return schema_from_json(object["schema"].dump());
}

Result<std::vector<std::vector<InputColumn>>> read_lineage(const ordered_json& output) {
  std::vector<std::vector<InputColumn>> lineage;
  for (const ordered_json& list : list_at(output, "lineage")) {
    std::vector<InputColumn> refs;
    for (const ordered_json& ref : list) {
      if (!ref.is_array() || ref.size() != 2 || !ref[0].is_number_unsigned() || !ref[1].is_string()) {
        return corrupt("plan: 'lineage' is not a list of [input, column]");
      }
      refs.push_back({ref[0].get<std::size_t>(), ref[1].get<std::string>()});
    }
    lineage.push_back(std::move(refs));
  }
  return lineage;
}

Result<AnsweredOutput> read_output(const ordered_json& json) {
  AnsweredOutput output;
  STREAM_ASSIGN(output.schema, schema_at(json));
  output.name = text_at(json, "name");
  if (output.name.empty()) return corrupt("plan: an output has no name");
  STREAM_ASSIGN(output.lineage, read_lineage(json));
  return output;
}

constexpr std::pair<BeforeRows, std::string_view> kBeforeRows[] = {
    {BeforeRows::kRead, "read"}, {BeforeRows::kPassed, "passed"}, {BeforeRows::kUnread, "unread"}};

Result<BeforeRows> read_update_before(const std::string& text) {
  if (text.empty()) return BeforeRows::kRead;
  for (const auto& [value, word] : kBeforeRows) {
    if (text == word) return value;
  }
  return corrupt("plan: '" + text + "' is not a use of update-before");
}

Result<AnsweredInput> read_input(const ordered_json& json) {
  if (!json.is_object()) return corrupt("plan: an input is not an object");
  AnsweredInput input{.needs = texts_at(json, "needs"), .spread = Spread::kAny, .columns = texts_at(json, "columns")};
  STREAM_ASSIGN(input.update_before, read_update_before(text_at(json, "update_before")));
  const std::string spread = text_at(json, "partition");
  for (const Spread candidate : {Spread::kAny, Spread::kHash, Spread::kBroadcast, Spread::kSingle}) {
    if (spread == spread_name(candidate)) {
      input.spread = candidate;
      return input;
    }
  }
  return corrupt("plan: '" + spread + "' is not a partition");
}

Result<TableSpec> read_table(const ordered_json& json) {
  Result<TableSpec> table = spec_from_json(json.dump());
  return table.ok() ? std::move(table) : corrupt("plan: " + table.status().what());
}

template <class T, class F>
Status read_list(const ordered_json& object, const char* name, std::vector<T>& items, F read) {
  for (const ordered_json& json : list_at(object, name)) {
    STREAM_ASSIGN(T item, read(json));
    items.push_back(std::move(item));
  }
  return {};
}

ordered_json schema_json(const Schema& schema) { return ordered_json::parse(schema_to_json(schema)); }

ordered_json output_json(const AnsweredOutput& output) {
  ordered_json lineage = ordered_json::array();
  for (const auto& refs : output.lineage) {
    ordered_json list = ordered_json::array();
    for (const InputColumn& ref : refs) list.push_back(ordered_json::array({ref.input, ref.column}));
    lineage.push_back(std::move(list));
  }
  return {{"name", output.name}, {"schema", schema_json(output.schema)}, {"lineage", lineage}};
}

}  // namespace

std::string_view spread_name(Spread spread) {
  switch (spread) {
    case Spread::kAny: return "any";
    case Spread::kHash: return "hash";
    case Spread::kBroadcast: return "broadcast";
    case Spread::kSingle: return "single";
  }
  return "";
}

std::string options_with(const std::string& options, const FixedOptions& fixed) {
  if (fixed.empty()) return options;
  ordered_json all = ordered_json::parse(options);
  for (const auto& [option, value] : fixed) {
    if (!all.contains(option)) all[option] = value;
  }
  return all.dump();
}

std::string question_to_json(const StageQuestion& question) {
  ordered_json out = {{"protocol", 1},
                      {"stage", question.stage},
                      {"parallelism", question.parallelism},
                      {"folder", question.folder},
                      {"options", ordered_json::parse(question.options)}};
  if (question.sample) {
    out["sample"] = {{"text", question.sample->text},
                     {"complete", question.sample->complete},
                     {"exhausted", question.sample->exhausted}};
  }
  out["inputs"] = ordered_json::array();
  for (const NamedSchema& input : question.inputs) {
    out["inputs"].push_back({{"name", input.name}, {"schema", schema_json(input.schema)}});
  }
  // A sample may hold anything: bytes that are no text cannot matter to a schema.
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string answer_to_json(const StageAnswer& answer) {
  ordered_json out = {{"protocol", 1}};
  for (const char* list : {"outputs", "inputs", "state"}) out[list] = ordered_json::array();
  for (const AnsweredOutput& output : answer.outputs) out["outputs"].push_back(output_json(output));
  for (const AnsweredInput& input : answer.inputs) {
    out["inputs"].push_back(
        {{"needs", input.needs}, {"partition", spread_name(input.spread)}, {"columns", input.columns}});
    for (const auto& [value, word] : kBeforeRows) {
      if (value == input.update_before && value != BeforeRows::kRead) out["inputs"].back()["update_before"] = word;
    }
  }
  for (const TableSpec& table : answer.state) out["state"].push_back(ordered_json::parse(spec_to_json(table)));
  out["exactly_once"] = answer.exactly_once;
  if (!answer.visible.empty()) out["visible"] = answer.visible;
  if (!answer.goes_back.empty()) out["goes_back"] = answer.goes_back;
  if (!answer.replayed.empty()) out["replayed"] = answer.replayed;
  out["parallelism_max"] = answer.parallelism_max;
  if (!answer.parallelism_why.empty()) out["parallelism_why"] = answer.parallelism_why;
  if (answer.pushed_filter) out["pushed_filter"] = *answer.pushed_filter;
  if (answer.combining) out["combining"] = combining_json(*answer.combining);
  if (answer.reads_stdin) out["reads_stdin"] = true;
  if (answer.keeps_inbox) out["keeps_inbox"] = true;
  if (answer.sample_bytes != 0) out["sample_bytes"] = answer.sample_bytes;
  if (!answer.fixed.empty()) out["fixed"] = answer.fixed;
  for (const AnsweredTarget& target : answer.writes) {
    out["writes"].push_back({{"option", target.option}, {"path", target.path}, {"folder", target.folder}});
    if (!target.part.empty()) out["writes"].back()["part"] = target.part;
  }
  out["cacheable"] = answer.cacheable;
  out["warnings"] = answer.warnings;
  out["errors"] = ordered_json::array();
  for (const AnsweredError& error : answer.errors) {
    out["errors"].push_back({{"option", error.option},
                             {"offset", error.offset},
                             {"message", error.message},
                             {"hint", error.hint},
                             {"any_input", error.any_input}});
  }
  return out.dump();
}

Result<StageAnswer> answer_from_json(std::string_view text) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return corrupt("plan: the answer is not a JSON object");
  if (!json.contains("protocol") || json["protocol"] != 1) return corrupt("plan: the answer is not of protocol 1");
  StageAnswer answer;
  STREAM_TRY(read_list(json, "outputs", answer.outputs, read_output));
  STREAM_TRY(read_list(json, "inputs", answer.inputs, read_input));
  STREAM_TRY(read_list(json, "state", answer.state, read_table));
  answer.exactly_once = !json.contains("exactly_once") || json["exactly_once"] != false;
  answer.visible = text_at(json, "visible");
  answer.goes_back = text_at(json, "goes_back");
  answer.replayed = text_at(json, "replayed");
  answer.parallelism_max = static_cast<std::uint32_t>(count_at(json, "parallelism_max"));
  answer.parallelism_why = text_at(json, "parallelism_why");
  if (json.contains("pushed_filter")) answer.pushed_filter = text_at(json, "pushed_filter");
  answer.combining = read_combining(json);
  answer.reads_stdin = flag_at(json, "reads_stdin");
  answer.keeps_inbox = flag_at(json, "keeps_inbox");
  answer.sample_bytes = count_at(json, "sample_bytes");
  answer.fixed = options_at(json, "fixed");
  for (const ordered_json& target : list_at(json, "writes")) {
    answer.writes.push_back(
        {text_at(target, "option"), text_at(target, "path"), flag_at(target, "folder"), text_at(target, "part")});
  }
  answer.cacheable = flag_at(json, "cacheable");
  answer.warnings = texts_at(json, "warnings");
  for (const ordered_json& error : list_at(json, "errors")) {
    answer.errors.push_back({text_at(error, "option"), count_at(error, "offset"), text_at(error, "message"),
                             text_at(error, "hint"), flag_at(error, "any_input")});
  }
  return answer;
}

}  // namespace stream
