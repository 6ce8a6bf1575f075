#include "supervisor/output_claims.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "storage/place.h"
#include "supervisor/job_lock.h"
#include "transport/base/files.h"
#include "transport/base/text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

// The same file by whatever name; what is not there yet is what its folder is.
std::string real_path(const std::string& path) {
  if (is_object_url(path)) return path;
  std::error_code error;
  const std::string real = std::filesystem::weakly_canonical(path, error).string();
  return error ? path : real;
}

// Terminals, pipes and /dev/null may be shared.
bool is_device(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  return std::filesystem::exists(status) && std::filesystem::is_other(status);
}

Status taken(const std::string& stage, const std::string& path, const std::string& job) {
  return failed("stage '" + stage + "' would write to '" + path + "', which " +
                (job.empty() ? "another job" : "job '" + job + "'") +
                " is writing; give another path, or stop that job");
}

struct Last {
  JobPaths job;        // name and folder; nothing if nobody had it
  std::string shared;  // "" = nothing
};

Last last_of(const std::string& file) {
  const auto text = system_files().read_file(file);
  if (!text.ok()) return {};
  const std::vector<std::string> lines = split(*text, '\n');
  if (lines.size() < 2) return {};
  return {JobPaths{lines[0], lines[1]}, lines.size() > 2 ? lines[2] : ""};
}

}  // namespace

Result<OutputClaims> OutputClaims::open(const JobPaths& paths, std::string shared) {
  const std::string root = std::filesystem::path(paths.sockets()).parent_path().string();
  STREAM_TRY(system_files().make_dir(root + "/outputs"));
  const std::string path = root + "/outputs.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("open", path, errno);
  return OutputClaims(fd, root + "/outputs", paths, std::move(shared));
}

OutputClaims::OutputClaims(OutputClaims&& other) noexcept : fd_(-1) { *this = std::move(other); }

OutputClaims& OutputClaims::operator=(OutputClaims&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(folder_, other.folder_);
  std::swap(paths_, other.paths_);
  std::swap(shared_, other.shared_);
  return *this;
}

OutputClaims::~OutputClaims() {
  if (fd_ >= 0) ::close(fd_);
}

Status OutputClaims::take(const JobPlan& plan) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    for (const AnsweredTarget& target : plan.stages[i].answer.writes) {
      if (target.part.empty()) STREAM_TRY(take(plan.pipeline.stages[i].name, target.path));
    }
  }
  return {};
}

Status OutputClaims::take(const std::string& stage, const std::string& path) {
  if (is_device(path)) return {};
  const std::uint64_t hash = hash_key(real_path(path));
  char name[24];
  std::snprintf(name, sizeof name, "/%016llx", static_cast<unsigned long long>(hash));
  struct flock byte {};
  byte.l_type = F_WRLCK;
  byte.l_whence = SEEK_SET;
  byte.l_start = static_cast<off_t>(hash >> 2);
  byte.l_len = 1;
  if (::fcntl(fd_, F_OFD_SETLK, &byte) != 0) {
    if (errno != EAGAIN && errno != EACCES) return system_error("lock", folder_ + name, errno);
    const Last holds = last_of(folder_ + name);
    if (!shared_.empty() && holds.shared == shared_ && holds.job.job == paths_.job) return {};
    return taken(stage, path, holds.job.job);
  }
  const auto [last, shared] = last_of(folder_ + name);
  if (last.folder == paths_.folder && shared == shared_) return {};
  // Its instances end within milliseconds of their supervisor.
  const bool own = last.folder == paths_.folder;
  const bool fenced = !shared_.empty() && shared == shared_ && last.job == paths_.job;
  if (!own && !fenced && !last.folder.empty() && system_files().size(last.lock()).ok() && !JobLock::runs(last))
    STREAM_TRY(JobLock::visit(last).status());
  return system_files().write_file(folder_ + name, paths_.job + "\n" + paths_.folder + "\n" + shared_ + "\n");
}

}  // namespace stream
