#include "supervisor/savepoint_refs.h"

#include <algorithm>
#include <filesystem>

#include "snapshot/savepoint.h"
#include "supervisor/job_paths.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

struct Named {
  std::int64_t epoch = 0;
  std::string label;
  std::string path;
};

// The savepoints in the folder of a job that can be read, oldest first.
std::vector<Named> savepoints_of(const std::string& job) {
  const std::string folder = job_paths(job).savepoints();
  std::vector<Named> found;
  const auto names = system_files().list(folder);
  for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
    const auto epoch = parse_integer(name.substr(0, name.find('.')));
    if (!epoch.ok()) continue;
    const auto index = load_savepoint(folder + "/" + name);
    if (index.ok()) found.push_back({*epoch, index->label, folder + "/" + name});
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
  if (std::filesystem::exists(reference)) return std::filesystem::absolute(reference).lexically_normal().string();
  const std::size_t at = reference.rfind('@');
  if (at == std::string::npos) return usage_error("there is no savepoint '" + reference + "'");
  const std::string job = reference.substr(0, at);
  const std::string which = reference.substr(at + 1);
  const std::vector<std::string> jobs = list_jobs();
  if (std::ranges::find(jobs, job) == jobs.end())
    return usage_error("there is no job '" + job + "'" + did_you_mean(job, jobs));
  const std::vector<Named> savepoints = savepoints_of(job);
  if (savepoints.empty()) return usage_error("there is no savepoint '" + reference + "': job '" + job + "' has none");
  for (const Named& savepoint : savepoints) {
    if (which == std::to_string(savepoint.epoch) || (which == savepoint.label && !which.empty())) return savepoint.path;
  }
  if (which == "latest") return savepoints.back().path;
  return usage_error("there is no savepoint '" + reference + "'; there is " + join(words_of(savepoints), ", "));
}

std::vector<std::string> savepoint_references(const std::string& job) {
  std::vector<std::string> references;
  for (const std::string& word : words_of(savepoints_of(job))) references.push_back(job + "@" + word);
  if (!references.empty()) references.push_back(job + "@latest");
  return references;
}

}  // namespace stream
