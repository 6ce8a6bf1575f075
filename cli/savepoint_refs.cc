#include "cli/savepoint_refs.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/job_client.h"
#include "supervisor/job_paths.h"
#include "supervisor/pipeline.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kLatest = "latest";

struct Named {
  std::uint64_t epoch = 0;
  std::string label;
  std::string path;
};

// The savepoints the job knows of and that are still there, oldest first, wherever they were put.
Result<std::vector<Named>> savepoints_of(const std::string& job) {
  STREAM_ASSIGN(const auto list, list_of_job(job_paths(job), "savepoints"));
  std::vector<Named> found;
  for (const auto& each : list) {
    Named savepoint{each["epoch"], each["label"], each["path"]};
    if (std::error_code ignored; std::filesystem::exists(savepoint.path, ignored))
      found.push_back(std::move(savepoint));
  }
  std::ranges::sort(found, {}, &Named::epoch);
  return found;
}

std::vector<std::string> words_of(const std::vector<Named>& savepoints) {
  std::vector<std::string> words;
  for (const Named& savepoint : savepoints) {
    words.push_back(std::to_string(savepoint.epoch));
    if (!savepoint.label.empty()) words.push_back(savepoint.label);
  }
  return words;
}

}  // namespace

Result<std::string> resolve_savepoint(const std::string& reference) {
  const std::size_t at = reference.rfind('@');
  const std::string job = reference.substr(0, at);
  const std::vector<std::string> jobs = list_jobs();
  const bool known = at != std::string::npos && std::ranges::find(jobs, job) != jobs.end();
  std::error_code error;
  if (!known && std::filesystem::exists(reference, error)) {
    return std::filesystem::absolute(reference).lexically_normal().string();
  }
  if (at == std::string::npos) return usage_error("there is no savepoint '" + reference + "'");
  if (!known) return usage_error("there is no job '" + job + "'" + did_you_mean(job, jobs));
  const std::string which = reference.substr(at + 1);
  STREAM_ASSIGN(const std::vector<Named> savepoints, savepoints_of(job));
  if (savepoints.empty()) return usage_error("there is no savepoint '" + reference + "': job '" + job + "' has none");
  if (which == kLatest) return savepoints.back().path;
  for (const Named& savepoint : savepoints) {
    if (which == std::to_string(savepoint.epoch) || (which == savepoint.label && !which.empty())) return savepoint.path;
  }
  return usage_error("there is no savepoint '" + reference + "'; there is " + join(words_of(savepoints), ", "));
}

std::vector<std::string> savepoint_references(const std::string& job) {
  std::vector<std::string> references;
  const auto savepoints = savepoints_of(job);
  if (!savepoints.ok()) return references;
  for (const std::string& word : words_of(*savepoints)) references.push_back(job + "@" + word);
  if (!references.empty()) references.push_back(job + "@" + std::string(kLatest));
  return references;
}

Status check_label(const std::string& label) {
  if (label.empty() || (valid_name(label) && label != kLatest)) return {};
  return usage_error("'" + label +
                     "' cannot be a label: take a lower case letter, then at most 31 letters, digits or '-'" +
                     (label == kLatest ? ", and not 'latest', which is the newest" : ""));
}

}  // namespace stream
