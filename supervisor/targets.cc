#include "supervisor/targets.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "storage/place.h"

namespace stream {
namespace {

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

// Files are made beside each other and renamed, so the folder itself must allow it.
Status check_folder(const std::string& folder, const std::string& path) {
  if (!exists(folder))
    return {Code::kNotFound, system_error("create", path, ENOENT).what() + "; make the folder '" + folder + "' first"};
  if (!is_folder(folder)) return system_error("create", path, ENOTDIR);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? Status() : system_error("write into", folder, errno);
}

// A folder is made with those it stands in: the nearest that is there must allow it.
Status check_new_folder(const std::string& path) {
  std::filesystem::path at = path;
  while (!exists(at.string()) && at.has_relative_path()) at = at.parent_path();
  return check_folder(at.string(), path);
}

Status check_file(const std::string& path) {
  if (is_folder(path)) return system_error("write", path, EISDIR);
  if (exists(path) && ::access(path.c_str(), W_OK) != 0) return system_error("write", path, errno);
  return check_folder(std::filesystem::path(path).parent_path().string(), path);
}

}  // namespace

Status check_target(const AnsweredTarget& target) {
  if (is_object_url(target.path)) return {};  // whoever writes there finds out
  if (!target.path.starts_with('/')) return failed("'" + target.path + "' is not absolute");
  return target.folder ? check_new_folder(target.path) : check_file(target.path);
}

void check_targets(const JobPlan& plan, Problems& problems) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const StageSpec& spec = plan.pipeline.stages[i];
    for (const AnsweredTarget& target : plan.stages[i].answer.writes) {
      const Status status = check_target(target);
      if (status.ok()) continue;
      const auto place = spec.option_places.find(target.option);
      const std::string what = "option '" + target.option + "': " + status.what();
      if (place == spec.option_places.end())
        problems.add(spec.at, "stage '" + spec.name + "', " + what);
      else
        problems.add(place->second.at, what);
    }
  }
}

}  // namespace stream
