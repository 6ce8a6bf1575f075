#include "stages/kit/sink_key.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream {
namespace {

// Rows may have more than one key, as a ranking has that of its rows and the rank; only the user knows. But two rows
// that differ in nothing of `key` are one row of the table, and the deletion of one deletes the other.
void warn_of_other_key(const Schema& schema, const std::vector<std::string>& key, std::vector<std::string>& warnings) {
  std::vector<std::string> names;
  for (const std::size_t column : schema.key) names.push_back(schema.fields[column].name);
  const bool whole =
      std::ranges::all_of(names, [&](const std::string& name) { return std::ranges::find(key, name) != key.end(); });
  if (whole) return;
  warnings.push_back("the input has one row for each (" + join(names, ", ") + "), the table one for each key (" +
                     join(key, ", ") + "): unless that tells the same rows apart, rows overwrite each other");
}

std::vector<std::string> key_names(const PlanRequest& request, PlanAnswer& answer) {
  const Schema& schema = request.inputs[0].schema;
  std::vector<std::string> key = request.options.list("key");
  for (const std::string& name : key) {
    if (schema.find(name)) continue;
    const std::string near = nearest(name, schema.names());
    answer.errors.push_back({"key", 0, "no column '" + name + "'", near.empty() ? "" : "did you mean '" + near + "'?"});
  }
  if (schema.changelog == Changelog::kAppend) return key;
  if (!key.empty()) {
    if (answer.errors.empty()) warn_of_other_key(schema, key, answer.warnings);
    return key;
  }
  for (const std::size_t column : schema.key) key.push_back(schema.fields[column].name);
  if (key.empty()) {
    answer.errors.push_back(
        {"key", 0, "the input is a stream of changes without a key", "name the columns that identify a row"});
  }
  return key;
}

// Whether an update-after comes under the key of the row that it replaces.
bool same_columns(const Schema& schema, const std::vector<std::string>& key) {
  const auto in_both = [&](std::size_t column) {
    return std::ranges::find(key, schema.fields[column].name) != key.end();
  };
  return !key.empty() && key.size() == schema.key.size() && std::ranges::all_of(schema.key, in_both);
}

}  // namespace

std::vector<std::string> plan_sink_key(const PlanRequest& request, PlanAnswer& answer) {
  std::vector<std::string> key = key_names(request, answer);
  InputPlan input;
  input.needs = request.inputs[0].schema.names();
  if (!key.empty()) {
    input.partition = Partition::kHash;
    input.partition_columns = key;
  }
  if (same_columns(request.inputs[0].schema, key)) input.update_before = UpdateBefore::kUnread;
  answer.inputs.push_back(std::move(input));
  return key;
}

Result<std::vector<std::size_t>> sink_key(const Context& context) {
  const Schema& schema = *context.inputs[0];
  std::vector<std::size_t> key;
  for (const std::string& name : context.options.list("key")) {
    const auto column = schema.find(name);
    if (!column) return usage_error("option 'key': no column '" + name + "'");
    key.push_back(*column);
  }
  // Without a key there is no telling which row changed, so a key of an append-only stream is none.
  if (key.empty() && schema.changelog != Changelog::kAppend) key = schema.key;
  return key;
}

}  // namespace stream
