#include "stages/read-file/format_values.h"
#include "stages/read-file/read_file.h"
#include "stages/read-file/sample.h"

namespace stream {
namespace {

std::string absolute(const std::string& folder, const std::string& path) {
  return path == "-" || path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

std::uint64_t sample_size(const Values& options) {
  return options.has("sample-size") ? options.size("sample-size") : kSampleBytesMax;
}

// The declared schema, or that of a sample; what is wrong goes to the answer.
Schema schema_of(const PlanRequest& request, const std::string& path, const FormatOptions& format, PlanAnswer& answer) {
  if (request.options.has("schema")) {
    auto schema = parse_schema(request.options.text("schema"));
    if (schema.ok()) return *std::move(schema);
    answer.errors.push_back({"schema", 0, schema.status().what(), ""});
    return {};
  }
  if (format.format == Format::kText) return *parse_schema("line varchar");
  if (path == "-") {
    answer.errors.push_back(
        {"schema", 0, "schema is required to read standard input", "give schema: 'ts timestamp, n bigint'"});
    return {};
  }
  auto inferred = sample_files(system_input_files(), path, format, sample_size(request.options));
  if (!inferred.ok()) {
    const bool missing = inferred.status().code() == Code::kNotFound;
    answer.errors.push_back(
        {missing ? "schema" : "path", 0,
         (missing ? "schema is required: there is nothing to sample yet: " : "") + inferred.status().what(),
         missing ? "give schema: 'ts timestamp, n bigint'" : ""});
    return {};
  }
  for (const std::string& hint : inferred->hints) answer.warnings.push_back(hint);
  return std::move(inferred->schema);
}

void check_follow(const PlanRequest& request, const std::string& path, PlanAnswer& answer) {
  if (!request.options.flag("follow")) return;
  answer.parallelism_max = 1;  // a renamed file must stay with the instance that has read it
  if (path == "-") answer.errors.push_back({"follow", 0, "standard input cannot be followed", ""});
}

}  // namespace

PlanAnswer plan_read_file(const PlanRequest& request) {
  PlanAnswer answer;
  const std::string path = absolute(request.folder, request.options.text("path"));
  const FormatOptions format = format_options_of(request.options, path, answer.errors);
  check_follow(request, path, answer);
  if (!answer.errors.empty()) return answer;
  OutputPlan output{"out", with_rest(schema_of(request, path, format, answer), format), {}};
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  if (path == "-") {
    answer.exactly_once = false;
    answer.parallelism_max = 1;
    answer.warnings.emplace_back("standard input cannot be read again after a crash");
  } else {
    answer.state.push_back(splits_spec());
  }
  return answer;
}

Result<std::unique_ptr<Source>> make_read_file(Context& context) {
  std::vector<PlanError> errors;
  ReadFile::Setup setup;
  setup.path = absolute(context.folder, context.options.text("path"));
  setup.format = format_options_of(context.options, setup.path, errors);
  if (!errors.empty()) return usage_error(errors[0].option + ": " + errors[0].message);
  PlanAnswer ignored;
  const PlanRequest request{context.options, {}, context.folder, context.parallelism};
  Schema declared = schema_of(request, setup.path, setup.format, ignored);
  setup.wanted = context.outputs[0];
  // The planner's word counts, should the data have changed since it was sampled.
  for (const Field& field : setup.wanted->fields) {
    if (!declared.find(field.name)) declared.fields.push_back(field);
  }
  for (Field& field : declared.fields) {
    if (const auto wanted = setup.wanted->find(field.name)) field.type = setup.wanted->fields[*wanted].type;
  }
  setup.declared = std::make_shared<const Schema>(std::move(declared));
  setup.follow = context.options.flag("follow");
  setup.split_size = context.options.size("split-size");
  return std::unique_ptr<Source>(new ReadFile(context, std::move(setup)));
}

}  // namespace stream
