#include "supervisor/standby_mark.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "transport/base/files.h"

namespace stream {
namespace {

std::string mark_of(const JobPaths& paths) { return paths.folder + "/standby"; }

}  // namespace

Result<StandbyMark> StandbyMark::hold(const JobPaths& paths) {
  const std::string path = mark_of(paths);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("open", path, errno);
  StandbyMark mark(fd, path);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return mark;
  mark.path_.clear();
  if (errno != EWOULDBLOCK) return system_error("lock", path, errno);
  return failed("another process of this host stands by for job '" + paths.job + "'");
}

StandbyMark::StandbyMark(StandbyMark&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::exchange(other.path_, "")) {}

StandbyMark::~StandbyMark() {
  if (!path_.empty()) ::unlink(path_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

Status StandbyMark::say(const nlohmann::json& leader) {
  const std::string text = leader.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) < 0)
    return system_error("write", path_, errno);
  return {};
}

std::optional<nlohmann::json> standby_of(const JobPaths& paths) {
  const std::string path = mark_of(paths);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const bool free = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  ::close(fd);
  if (free) return std::nullopt;
  const auto text = system_files().read_file(path);
  const auto said = nlohmann::json::parse(text.ok() ? *text : "", nullptr, false);
  return said.is_object() ? said : nlohmann::json::object();
}

}  // namespace stream
