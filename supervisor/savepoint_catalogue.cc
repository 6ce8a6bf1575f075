#include "supervisor/savepoint_catalogue.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/path_size.h"

namespace stream {

using nlohmann::json;

namespace {

Result<SavepointRecord> listed_at(JobStore& store, const std::string& path) {
  STREAM_ASSIGN(const auto savepoints, store.savepoints());
  const auto found = std::ranges::find(savepoints, path, &SavepointRecord::path);
  if (found != savepoints.end()) return *found;
  return failed("'" + path + "' is not in the catalogue of the job; 'stream savepoint --list' shows what is");
}

std::optional<std::string> text_of(const json& in, const char* key) {
  const auto at = in.find(key);
  return at != in.end() && at->is_string() ? std::optional(at->get<std::string>()) : std::nullopt;
}

}  // namespace

json mark_to_json(const SavepointMark& mark) {
  json out = {{"path", mark.path}};
  if (mark.label) out["label"] = *mark.label;
  if (mark.note) out["note"] = *mark.note;
  return out;
}

SavepointMark mark_from_json(const json& in) {
  return {text_of(in, "path").value_or(""), text_of(in, "label"), text_of(in, "note")};
}

Status mark_savepoint(JobStore& store, const SavepointMark& mark) {
  STREAM_ASSIGN(SavepointRecord record, listed_at(store, mark.path));
  if (mark.label) STREAM_TRY(check_free_label(store, *mark.label, mark.path));
  record.label = mark.label.value_or(record.label);
  record.note = mark.note.value_or(record.note);
  return store.record_savepoint(record);
}

Status check_free_label(JobStore& store, const std::string& label, const std::string& path) {
  if (label.empty()) return {};
  STREAM_ASSIGN(const auto savepoints, store.savepoints());
  for (const SavepointRecord& other : savepoints) {
    std::error_code ignored;
    if (other.label != label || other.path == path || !std::filesystem::exists(other.path, ignored)) continue;
    return failed("label '" + label + "' is taken by another savepoint, '" + other.path +
                  "'; delete that one, or choose another label");
  }
  return {};
}

Status list_copy(JobStore& store, const std::string& path, const std::string& copy) {
  if (listed_at(store, copy).ok()) return {};
  STREAM_ASSIGN(SavepointRecord record, listed_at(store, path));
  record.path = copy;
  record.label.clear();  // which names one
  record.bytes = size_below(copy);
  return store.record_savepoint(record);
}

}  // namespace stream
