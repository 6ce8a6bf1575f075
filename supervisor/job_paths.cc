#include "supervisor/job_paths.h"

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "transport/base/files.h"
#include "transport/record/key.h"

namespace stream {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string socket_root() { return "/tmp/stream-" + std::to_string(::getuid()); }

Status make_private_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error("create folder", path, errno);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return system_error("look at", path, errno);
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::getuid() || (info.st_mode & 077) != 0) {
    return failed("'" + path + "' is not a private folder of yours; remove it or set its mode to 0700");
  }
  return {};
}

}  // namespace

std::string stream_home() {
  if (std::string home = environment("STREAM_HOME"); !home.empty()) return home;
  if (std::string state = environment("XDG_STATE_HOME"); !state.empty()) return state + "/stream";
  return environment("HOME") + "/.local/state/stream";
}

JobPaths job_paths(const std::string& job) { return {job, stream_home() + "/" + job}; }

std::string unpacked_root() { return stream_home() + "/.unpacked"; }

std::string JobPaths::sockets() const {
  char name[16];
  std::snprintf(name, sizeof name, "%08x", static_cast<unsigned>(hash_key(folder) >> 32));
  return socket_root() + "/" + name;
}

std::string JobPaths::inbox(const std::string& stage) const {
  std::string name = stage;
  std::ranges::replace(name, '/', '+');
  return folder + "/inbox/" + name;
}

std::vector<std::string> list_jobs() {
  const auto names = system_files().list(stream_home());
  std::vector<std::string> jobs;
  if (!names.ok()) return jobs;
  for (const std::string& name : *names) {
    const std::string folder = stream_home() + "/" + name;
    struct stat info {};
    // The second where a supervisor only stands by.
    const bool known =
        ::stat((folder + "/job.lock").c_str(), &info) == 0 || ::stat((folder + "/standby").c_str(), &info) == 0;
    if (known) jobs.push_back(name);
  }
  return jobs;
}

void remove_old_sockets(const JobPaths& paths) {
  const auto names = system_files().list(paths.sockets());
  for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
    if (name[0] >= '0' && name[0] <= '9') (void)system_files().remove(paths.sockets() + "/" + name);
  }
}

Result<std::string> make_socket_folder(const std::string& name) {
  std::string folder = socket_root() + "/" + name;
  STREAM_TRY(make_private_folder(socket_root()));
  STREAM_TRY(make_private_folder(folder));
  return folder;
}

Status make_job_folders(const JobPaths& paths) {
  struct stat info {};
  const bool known = ::stat(paths.folder.c_str(), &info) == 0;
  for (const std::string& folder : {paths.folder, paths.savepoints(), paths.logs(), paths.scratch()}) {
    STREAM_TRY(system_files().make_dir(folder));
  }
  // What is made durable in them later is found again only if they are.
  if (!known) {
    STREAM_TRY(system_files().sync_dir(paths.folder));
    STREAM_TRY(system_files().sync_dir(stream_home()));
  }
  STREAM_TRY(make_private_folder(socket_root()));
  return make_private_folder(paths.sockets());
}

}  // namespace stream
