#include "cli/savepoint_target.h"

#include <filesystem>

#include "transport/base/clock.h"

namespace stream {

std::string absolute_target(const std::string& path) {
  std::string target = std::filesystem::absolute(path).lexically_normal().string();
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  return target;
}

std::string draft_of(const std::string& target) {
  const std::filesystem::path path(target);
  return (path.parent_path() / ("." + path.filename().string() + ".draft")).string();
}

Status check_target(const std::string& path, const std::string& label) {
  STREAM_TRY(check_label(label));
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) return {};
  return usage_error("'" + path + "' exists; a savepoint replaces nothing");
}

Result<SnapshotPlace> find_settled(const std::string& reference) {
  STREAM_ASSIGN(SnapshotPlace place, find_snapshot(reference));
  if (place.index.savepoint) {
    STREAM_TRY(verify_files(place.index, place.folder));
    return place;
  }
  return usage_error("'" + reference +
                     "' is a checkpoint, whose sinks may have rows to write still; make a savepoint of job '" +
                     place.index.job + "'");
}

CheckpointIndex relabelled(CheckpointIndex index, const std::string& label) {
  index.label = label;
  index.created_us = system_clock().wall_us();
  return index;
}

}  // namespace stream
