#include "cli/savepoint_refs.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "snapshot/archive/open_savepoint.h"
#include "storage/place.h"
#include "supervisor/job_client.h"
#include "supervisor/job_paths.h"
#include "supervisor/pipeline.h"
#include "supervisor/stored_savepoint.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kLatest = "latest";

struct Named {
  std::uint64_t epoch = 0;
  std::string label;
  std::string path;
};

// The savepoints the job knows of, oldest first, wherever they were put.
Result<std::vector<Named>> listed_savepoints(const std::string& job) {
  STREAM_ASSIGN(const auto list, list_of_job(job_paths(job), "savepoints"));
  std::vector<Named> found;
  for (const auto& each : list) found.push_back({each["epoch"], each["label"], each["path"]});
  std::ranges::stable_sort(found, {}, &Named::epoch);
  return found;
}

// Those that are still there.
Result<std::vector<Named>> savepoints_of(const std::string& job) {
  STREAM_ASSIGN(auto found, listed_savepoints(job));
  std::erase_if(found, [](const Named& savepoint) {
    std::error_code ignored;  // whether storage still has one is found out by fetching it
    return !is_object_url(savepoint.path) && !std::filesystem::exists(savepoint.path, ignored);
  });
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

const Named* choose(const std::vector<Named>& savepoints, const std::string& which) {
  if (which == kLatest) {  // the first of its copies, which is not the archive
    if (savepoints.empty()) return nullptr;
    return &*std::ranges::find(savepoints, savepoints.back().epoch, &Named::epoch);
  }
  const auto found = std::ranges::find_if(savepoints, [&](const Named& savepoint) {
    return which == std::to_string(savepoint.epoch) || (which == savepoint.label && !which.empty());
  });
  return found == savepoints.end() ? nullptr : &*found;
}

}  // namespace

Result<std::string> resolve_savepoint(const std::string& reference) {
  STREAM_ASSIGN(std::string place, place_of_savepoint(reference));
  return is_object_url(place) ? fetch_snapshot(place) : Result<std::string>(std::move(place));
}

Result<std::string> place_of_savepoint(const std::string& reference) {
  if (is_object_url(reference)) return reference;
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
  STREAM_ASSIGN(const std::vector<Named> savepoints, savepoints_of(job));
  if (savepoints.empty()) return usage_error("there is no savepoint '" + reference + "': job '" + job + "' has none");
  if (const Named* found = choose(savepoints, reference.substr(at + 1))) return found->path;
  return usage_error("there is no savepoint '" + reference + "'; there is " + join(words_of(savepoints), ", "));
}

Result<std::string> resolve_listed_savepoint(const std::string& reference) {
  auto there = place_of_savepoint(reference);
  const std::size_t at = reference.rfind('@');
  if (there.ok() || at == std::string::npos) return there;
  const auto listed = listed_savepoints(reference.substr(0, at));
  if (!listed.ok()) return there;
  const Named* found = choose(*listed, reference.substr(at + 1));
  return found == nullptr ? there : Result<std::string>(found->path);
}

namespace {

Result<SnapshotPlace> savepoint_at(const std::string& path) {
  STREAM_ASSIGN(const OpenSavepoint opened, OpenSavepoint::open(path, unpacked_root()));
  return SnapshotPlace{opened.index(), opened.folder(), opened.hold()};
}

Result<SnapshotPlace> checkpoint_at(const std::string& checkpoints, Epoch epoch) {
  STREAM_ASSIGN(CheckpointIndex index, load_index(index_path(checkpoints, epoch)));
  return SnapshotPlace{std::move(index), checkpoints, nullptr};
}

// CHECKPOINTS/N
std::optional<Result<SnapshotPlace>> checkpoint_path(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path + "/checkpoint.sqlite", error)) return std::nullopt;
  const std::filesystem::path folder = std::filesystem::absolute(path).lexically_normal();
  const std::filesystem::path plain = folder.has_filename() ? folder : folder.parent_path();
  const auto epoch = parse_integer(plain.filename().string());
  if (!epoch.ok() || *epoch < 0) return usage_error("'" + path + "' is not named by the number of its checkpoint");
  return checkpoint_at(plain.parent_path().string(), Epoch(static_cast<std::uint64_t>(*epoch)));
}

Result<SnapshotPlace> newest_of(const std::string& job) {
  const std::string checkpoints = job_paths(job).checkpoints();
  STREAM_ASSIGN(const std::vector<Epoch> epochs, list_checkpoints(system_files(), checkpoints));
  if (epochs.empty()) return failed("job '" + job + "' has no checkpoint yet");
  return checkpoint_at(checkpoints, epochs.back());
}

// JOB@N, where N may be a checkpoint that no savepoint was made of.
std::optional<Result<SnapshotPlace>> numbered(const std::string& job, const std::string& number) {
  const auto epoch = parse_integer(number);
  if (!epoch.ok() || *epoch < 0) return std::nullopt;
  const auto savepoints = savepoints_of(job);
  const auto same = [&](const Named& savepoint) { return std::to_string(savepoint.epoch) == number; };
  if (savepoints.ok() && std::ranges::any_of(*savepoints, same)) return std::nullopt;
  const std::string checkpoints = job_paths(job).checkpoints();
  std::error_code error;
  if (!std::filesystem::exists(index_path(checkpoints, Epoch(static_cast<std::uint64_t>(*epoch))), error))
    return std::nullopt;
  return checkpoint_at(checkpoints, Epoch(static_cast<std::uint64_t>(*epoch)));
}

constexpr int kOpenTries = 5;  // checkpoints come and go, but not so fast

}  // namespace

std::optional<Result<SnapshotPlace>> find_checkpoint(const std::string& reference) {
  if (is_object_url(reference)) {
    const auto fetched = fetch_snapshot(reference);
    return fetched.ok() ? checkpoint_path(*fetched) : fetched.status();
  }
  if (auto found = checkpoint_path(reference)) return found;
  const std::size_t at = reference.rfind('@');
  const std::vector<std::string> jobs = list_jobs();
  if (at == std::string::npos || std::ranges::find(jobs, reference.substr(0, at)) == jobs.end()) return std::nullopt;
  return numbered(reference.substr(0, at), reference.substr(at + 1));
}

Result<SnapshotPlace> find_snapshot(const std::string& reference) {
  if (auto found = find_checkpoint(reference)) return *std::move(found);
  if (is_object_url(reference)) {
    STREAM_ASSIGN(const std::string fetched, fetch_snapshot(reference));
    return savepoint_at(fetched);
  }
  const std::size_t at = reference.rfind('@');
  const std::vector<std::string> jobs = list_jobs();
  const auto is_job = [&](const std::string& name) { return std::ranges::find(jobs, name) != jobs.end(); };
  std::error_code error;
  if (at == std::string::npos && is_job(reference)) return newest_of(reference);
  if (at == std::string::npos && !std::filesystem::exists(reference, error))
    return usage_error("there is no job and no savepoint '" + reference + "'" + did_you_mean(reference, jobs));
  STREAM_ASSIGN(const std::string path, resolve_savepoint(reference));
  return savepoint_at(path);
}

Result<std::unique_ptr<StateView>> open_snapshot(const std::string& reference) {
  for (int tries = 1;; ++tries) {
    auto place = find_snapshot(reference);
    auto view = place.ok() ? StateView::open(std::move(place->index), std::move(place->folder))
                           : Result<std::unique_ptr<StateView>>(place.status());
    if (view.ok() || !is_damage(view.status()) || tries == kOpenTries) return view;
  }
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
