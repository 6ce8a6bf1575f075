#include "cli/savepoint_changes.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "cli/savepoint_refs.h"
#include "cli/savepoint_target.h"
#include "snapshot/archive/open_savepoint.h"
#include "snapshot/archive/pack.h"
#include "snapshot/savepoint_partial.h"
#include "storage/place.h"
#include "supervisor/job_client.h"
#include "supervisor/stored_savepoint.h"

namespace stream {
namespace {

using nlohmann::json;

// --- deleting ------------------------------------------------------------------------------------

// What is gone already, perhaps half by a deletion that was interrupted, is done with.
Status remove_files(const std::string& path) {
  std::error_code ignored;
  const bool gone = !is_object_url(path) && !std::filesystem::exists(path, ignored);
  return gone ? remove_published(system_files(), path) : remove_wherever(path);
}

// The job that lists the savepoint, if there still is one.
std::optional<JobPaths> owner_of(const std::string& path) {
  for (const std::string& job : list_jobs()) {
    const auto list = list_of_job(job_paths(job), "savepoints");
    if (!list.ok()) continue;
    if (std::ranges::any_of(*list, [&](const json& savepoint) { return savepoint["path"] == path; }))
      return job_paths(job);
  }
  return std::nullopt;
}

// Of a job that runs, its supervisor does it; else nobody may start it meanwhile.
Status in_catalogue(const JobPaths& job, const json& request, const std::function<Status(JobStore&)>& act) {
  if (JobLock::runs(job)) return ask_job(job, request, kNoLimit).status();
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  return act(*store);
}

}  // namespace

Status remove_savepoint(const std::string& reference) {
  STREAM_ASSIGN(const std::string path, resolve_listed_savepoint(reference));
  const auto job = owner_of(path);
  if (!job) return remove_files(path);
  return in_catalogue(*job, {{"verb", "delete-savepoint"}, {"path", path}}, [&](JobStore& store) {
    STREAM_TRY(remove_files(path));
    return store.forget_savepoint(path);
  });
}

// --- what is said of them ------------------------------------------------------------------------

Status mark_savepoint(const std::string& reference, SavepointMark mark) {
  STREAM_TRY(check_label(mark.label.value_or("")));
  STREAM_ASSIGN(mark.path, place_of_savepoint(reference));
  const auto job = owner_of(mark.path);
  if (!job) return usage_error("'" + mark.path + "' is in the catalogue of no job, which labels and notes are kept in");
  json request = mark_to_json(mark);
  request["verb"] = "mark-savepoint";
  return in_catalogue(*job, request, [&](JobStore& store) { return mark_savepoint(store, mark); });
}

namespace {

// --- in other forms ------------------------------------------------------------------------------

// Where a copy in another form goes: beside the savepoint, unless that is said.
std::string target_of(const std::string& to, const std::string& path, bool pack) {
  if (!to.empty()) return absolute_target(to);
  if (pack) return path + std::string(kArchiveSuffix);
  return path.ends_with(kArchiveSuffix) ? path.substr(0, path.size() - kArchiveSuffix.size()) : path + ".unpacked";
}

// An interrupted try may have come that far: then only the rest is left to do.
Result<bool> is_copy(const std::string& path, const std::string& target, bool pack) {
  std::error_code ignored;
  if (!std::filesystem::exists(target, ignored) || is_archive(target) != pack) return false;
  const auto there = savepoint_index(target, unpacked_root());
  STREAM_ASSIGN(const CheckpointIndex index, savepoint_index(path, unpacked_root()));
  return there.ok() && there->job == index.job && there->run == index.run && there->epoch == index.epoch &&
         there->created_us == index.created_us;
}

// The catalogue that has the savepoint has the copy, too.
Status list_copy_of(const std::string& path, const std::string& target) {
  const auto job = owner_of(path);
  if (!job) return {};
  return in_catalogue(*job, {{"verb", "list-copy"}, {"path", path}, {"copy", target}},
                      [&](JobStore& store) { return list_copy(store, path, target); });
}

}  // namespace

Result<std::string> copy_savepoint(const std::string& reference, const std::string& to, bool pack) {
  if (is_object_url(to)) return not_in_storage("nothing is packed; give a file, and upload it", to);
  STREAM_ASSIGN(const std::string path, resolve_savepoint(reference));
  const std::string target = target_of(to, path, pack);
  if (is_archive(path) == pack) return usage_error("'" + path + "' is " + (pack ? "an archive already" : "no archive"));
  STREAM_ASSIGN(const bool done, is_copy(path, target, pack));
  if (!done) {
    STREAM_TRY(pack ? pack_savepoint(system_files(), path, target)
                    : unpack_savepoint(system_files(), path, target).status());
  }
  STREAM_TRY(list_copy_of(path, target));
  return target;
}

}  // namespace stream
