#include <algorithm>

#include "stages/exec/settings.h"
#include "stages/format/decoder.h"
#include "stages/kit/option_columns.h"
#include "transport/base/text.h"

namespace stream {
namespace {

class Settler {
 public:
  Settler(const Values& options, const Schema& input, PlanError* error)
      : options_(options), input_(input), error_(error) {}

  bool run() {
    const std::string& mode = options_.text("mode");
    settings_.mode = mode == "line" ? ExecMode::kLine : mode == "barrier" ? ExecMode::kBarrier : ExecMode::kBatch;
    if (options_.duration("timeout") <= 0) return fail("timeout", "a time above 0 is needed", "");
    if (options_.integer("attempts") < 1) return fail("attempts", "at least one attempt is needed", "");
    return read_command() && read_input() && read_format() && read_results();
  }
  ExecSettings& settings() { return settings_; }

 private:
  bool fail(std::string option, std::string message, std::string hint) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }

  // As users of Unix expect: one text is for the shell, a list is a program and its arguments.
  bool read_command() {
    const std::vector<std::string>& command = options_.list("command");
    settings_.name = join(command, " ");
    settings_.words = command.size() > 1 ? command : std::vector<std::string>{"/bin/sh", "-c", command[0]};
    return true;
  }

  bool read_input() {
    if (options_.has("by") && !find_columns(options_, "by", input_, &settings_.by, error_)) return false;
    if (input_.changelog == Changelog::kAppend) return true;
    return fail("", "the input's rows may be taken back, and a program cannot be told", "put it before what updates");
  }

  bool read_format() {
    const std::string& format = options_.text("format");
    FormatOptions& out = settings_.format;
    out.format = format == "text" ? Format::kText : format == "ndjson" ? Format::kNdjson : Format::kCsv;
    out.header = false;
    if (format == "tsv") out.delimiter = '\t';
    return out.format != Format::kText || find_text();
  }

  bool find_text() {
    const auto line = input_.find(kLineColumn);
    if (!line && input_.fields.size() != 1) {
      return fail("format", "text gives the program one column, 'line', and the input has (" + to_string(input_) + ")",
                  "make one with select, or use format ndjson");
    }
    settings_.text_column = line.value_or(0);
    if (input_.fields[settings_.text_column].type == kVarchar) return true;
    return fail("format",
                "text gives the program a VARCHAR, and column '" + input_.fields[settings_.text_column].name + "' is " +
                    to_string(input_.fields[settings_.text_column].type),
                "cast it with select, or use format ndjson");
  }

  // Not declared: a text is a line, and else the program is one that passes rows on, all or some.
  bool read_results() {
    Schema& out = settings_.results;
    if (options_.has("schema")) {
      out = *parse_schema(options_.text("schema"));
    } else if (settings_.format.format == Format::kText) {
      out.fields = {{std::string(kLineColumn), kVarchar}};
    } else {
      out.fields = input_.fields;
    }
    if (input_.time) {
      const auto time = out.find(input_.fields[*input_.time].name);
      if (time && out.fields[*time].type == kTimestamp) out.time = time;
    }
    const auto decoder =
        make_decoder({settings_.format, std::make_shared<const Schema>(out), std::make_shared<const Schema>(out), {}});
    return decoder.ok() || fail("schema", decoder.status().what(), "");
  }

  const Values& options_;
  const Schema& input_;
  PlanError* error_;
  ExecSettings settings_;
};

}  // namespace

std::optional<ExecSettings> exec_settings(const Values& options, const Schema& input, PlanError* error) {
  Settler settler(options, input, error);
  if (!settler.run()) return std::nullopt;
  return std::move(settler.settings());
}

PlanAnswer plan_exec(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  PlanError error;
  const Schema& input = request.inputs[0].schema;
  auto settings = exec_settings(request.options, input, &error);
  if (!settings) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  InputPlan plan;
  plan.needs = input.names();
  if (settings->format.format == Format::kText) plan.needs = {input.fields[settings->text_column].name};
  for (const std::size_t column : settings->by) {
    plan.partition = Partition::kHash;
    plan.partition_columns.push_back(input.fields[column].name);
    if (std::ranges::find(plan.needs, input.fields[column].name) == plan.needs.end())
      plan.needs.push_back(input.fields[column].name);
  }
  OutputPlan output{"out", std::move(settings->results), {}};
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  answer.inputs.push_back(std::move(plan));
  return answer;
}

}  // namespace stream
