#include "supervisor/http/audit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

namespace stream::http {
namespace {

// Accepted: another line tells what came of it.
const char* outcome_of(const AuditedAnswer& answer) {
  if (answer.status >= 500) return "failed";
  if (answer.status >= 400) return "refused";
  return answer.operation.empty() ? "done" : "accepted";
}

std::string line_of(const nlohmann::json& told) {
  return told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void add(nlohmann::json& told, const char* name, const std::string& value) {
  if (!value.empty()) told[name] = value;
}

}  // namespace

Result<std::unique_ptr<Audit>> Audit::open(const std::string& folder, std::uint64_t most) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_error("create folder", folder, errno);
  std::unique_ptr<Audit> audit(new Audit(folder + "/audit.log", most));
  STREAM_TRY(audit->reopen());
  return audit;
}

Audit::~Audit() {
  if (fd_ >= 0) ::close(fd_);
}

Status Audit::reopen() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  struct stat info {};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0) return system_error("write", path_, errno);
  size_ = static_cast<std::uint64_t>(info.st_size);
  return {};
}

Status Audit::rotate() {
  const auto name = [this](int number) { return path_ + "." + std::to_string(number); };
  for (int i = kAuditFiles - 1; i > 1; --i) {
    if (::rename(name(i - 1).c_str(), name(i).c_str()) != 0 && errno != ENOENT)
      return system_error("rename", name(i - 1), errno);
  }
  if (::rename(path_.c_str(), name(1).c_str()) != 0) return system_error("rename", path_, errno);
  return reopen();
}

Status Audit::write(const Request& request, const AuditedAnswer& answer, Microseconds at_us) {
  nlohmann::json told = {{"at_us", at_us},
                         {"who", request.who},
                         {"remote", request.remote},
                         {"method", request.method},
                         {"target", without_parameters(request.target)},
                         {"status", answer.status},
                         {"outcome", outcome_of(answer)}};
  add(told, "command", answer.command);
  add(told, "operation", answer.operation);
  add(told, "why", answer.why);
  return append(line_of(told));
}

Status Audit::write(const AuditedEnd& end, Microseconds at_us) {
  nlohmann::json told = {{"at_us", at_us},        {"who", end.who},
                         {"remote", end.remote},  {"operation", end.operation},
                         {"what", end.what},      {"outcome", end.why.empty() ? "done" : "failed"},
                         {"took_us", end.took_us}};
  add(told, "job", end.job);
  add(told, "command", end.command);
  add(told, "why", end.why);
  return append(line_of(told));
}

Status Audit::append(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (size_ + line.size() > most_) STREAM_TRY(rotate());
  if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return system_error("write", path_, errno);
  size_ += line.size();
  return {};
}

}  // namespace stream::http
