#include "stages/kit/format_values.h"
#include "stages/read-file/object_files.h"
#include "stages/read-file/pipe_input.h"
#include "stages/read-file/read_file.h"
#include "stages/read-file/sample.h"
#include "storage/place.h"

namespace stream {
namespace {

std::string absolute(const std::string& folder, const std::string& path) {
  return path == "-" ? path : located(folder, path);
}

std::uint64_t sample_size(const Values& options) {
  return options.has("sample-size") ? options.size("sample-size") : kSampleBytesMax;
}

constexpr std::string_view kSchemaAdvice = "give a schema, such as 'ts timestamp, n bigint'";

PlanError nothing_to_infer(const PlanSample& sample, const FormatOptions& format) {
  const std::string advice(kSchemaAdvice);
  if (sample.bytes.empty()) return {"schema", 0, "schema is required: standard input is empty", advice};
  if (format.format == Format::kAvro) {
    return {"schema", 0, "the schema of Avro records is not found in standard input, as they are no text", advice};
  }
  return {"format", 0,
          "no record of format " + std::string(format_name(format.format)) + " at the beginning of standard input",
          "check the format, decompress what is compressed, or " + advice};
}

// What was inferred holds for as long as the job does: the data may change its looks, its state may not.
Schema keep(Inferred inferred, PlanAnswer& answer) {
  std::erase_if(inferred.schema.fields, [](const Field& field) { return field.name.empty(); });  // no way to write it
  for (const std::string& hint : inferred.hints) answer.warnings.push_back(hint);
  answer.fixed["schema"] = to_string(inferred.schema);
  return std::move(inferred.schema);
}

// Of the sample the caller gives, who is asked for one, or for more, as long as there is any.
Schema schema_of_stdin(const PlanRequest& request, const FormatOptions& format, PlanAnswer& answer) {
  const PlanSample sample = request.sample.value_or(PlanSample());
  auto inferred = infer_schema(format, sample.bytes, sample.complete);
  const bool good = inferred.ok() && (inferred->records > 0 || sample.exhausted);
  if (!good && !sample.exhausted) {
    answer.sample_bytes = sample_size(request.options);
    return {};
  }
  if (!good) {
    answer.errors.push_back(nothing_to_infer(sample, format));
    return {};
  }
  return keep(*std::move(inferred), answer);
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
  answer.cacheable = false;
  if (path == "-") return schema_of_stdin(request, format, answer);
  auto inferred = sample_files(input_files_of(path), path, format, sample_size(request.options));
  if (!inferred.ok()) {
    const bool later = inferred.status().code() == Code::kNotFound;  // records may come after the job has begun
    answer.errors.push_back({"path", 0, inferred.status().what(),
                             later ? "if it comes later, " + std::string(kSchemaAdvice)
                                   : "check the format, or " + std::string(kSchemaAdvice)});
    return {};
  }
  return keep(*std::move(inferred), answer);
}

void check_follow(const PlanRequest& request, const std::string& path, PlanAnswer& answer) {
  if (!request.options.flag("follow") || is_object_url(path)) return;
  answer.parallelism_max = 1;
  answer.parallelism_why = "with 'follow' one instance reads, so that a renamed file stays with who has read it";
  if (path == "-") answer.errors.push_back({"follow", 0, "standard input cannot be followed", ""});
}

void check_storage(const std::string& path, PlanAnswer& answer) {
  if (!is_object_url(path)) return;
  const auto place = parse_storage(path);
  if (!place.ok()) answer.errors.push_back({"path", 0, place.status().what(), ""});
}

void check_pipe(const std::string& path, PlanAnswer& answer) {
  if (!is_pipe(path)) return;
  answer.errors.push_back({"path", 0, "'" + path + "' is a pipe, which cannot be read again after a crash",
                           "read it as standard input, which a job keeps: the path -, and '< " + path + "'"});
}

}  // namespace

PlanAnswer plan_read_file(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const std::string path = absolute(request.folder, request.options.text("path"));
  check_storage(path, answer);
  const FormatOptions format = format_options_of(request.options, name_of_input(path), answer.errors);
  check_follow(request, path, answer);
  check_pipe(path, answer);
  if (!answer.errors.empty()) return answer;
  OutputPlan output{"out", with_rest(schema_of(request, path, format, answer), format), {}};
  if (answer.errors.empty() && answer.sample_bytes == 0) set_changelog(format, output.schema, answer.errors);
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  answer.reads_stdin = path == "-";
  if (answer.reads_stdin) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "there is one standard input";
  }
  if (is_changelog(format.format)) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "the changes of a row are in order where one instance reads them";
  }
  answer.state.push_back(splits_spec());
  answer.state.push_back(paths_spec(format.format));
  return answer;
}

Result<std::unique_ptr<Source>> make_read_file(Context& context) {
  std::vector<PlanError> errors;
  ReadFile::Setup setup;
  setup.path = absolute(context.folder, context.options.text("path"));
  setup.format = format_options_of(context.options, name_of_input(setup.path), errors);
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
