#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/top_source.h"
#include "supervisor/job_client.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr Microseconds kPatience = 1'000'000;  // with one job
constexpr off_t kLogBytes = 256 << 10;         // of the end of the log

std::string end_of_file(const std::string& path, off_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  std::string text;
  if (fd >= 0 && ::fstat(fd, &info) == 0) {
    const off_t from = std::max<off_t>(0, info.st_size - most);
    text.resize(static_cast<std::size_t>(info.st_size - from));
    const ssize_t n = ::pread(fd, text.data(), text.size(), from);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, n)));
  }
  if (fd >= 0) ::close(fd);
  return text;
}

Microseconds changed_us(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return static_cast<Microseconds>(info.st_mtim.tv_sec) * 1'000'000 + info.st_mtim.tv_nsec / 1000;
}

class JobsHere : public TopSource {
 public:
  Result<std::vector<JobLoad>> loads() override;
  std::vector<json> list(const std::string& job, const std::string& what) override;
  std::vector<LogLine> log(const std::string& job) override;

 private:
  // A job that does not run says the same until its store changes.
  struct Ended {
    Microseconds changed_us = 0;
    JobLoad load;
  };
  std::optional<JobLoad> load_of(const JobPaths& job);

  std::map<std::string, Ended> ended_;
};

Result<std::vector<JobLoad>> JobsHere::loads() {
  std::vector<JobLoad> loads;
  for (const std::string& name : list_jobs()) {
    if (auto load = load_of(job_paths(name))) loads.push_back(*std::move(load));
  }
  return loads;
}

// Nothing of a job that has never run, or that begins or ends at this very moment.
std::optional<JobLoad> JobsHere::load_of(const JobPaths& job) {
  if (JobLock::runs(job)) {
    ended_.erase(job.job);
    const auto stats = ask_job(job, {{"verb", "stats"}}, kPatience);
    if (stats.ok()) return job_load(*stats);
    if (stats.status().code() != Code::kInterrupted) return std::nullopt;
    JobLoad silent;
    silent.name = job.job;
    silent.state = "SILENT";
    silent.running = true;
    silent.reason = stats.status().what();
    return silent;
  }
  const Microseconds changed = std::max(changed_us(job.store()), changed_us(job.store() + "-wal"));
  Ended& ended = ended_[job.job];
  if (ended.changed_us != changed || changed == 0) {
    const auto summary = stored_summary(job);
    if (!summary.ok()) return std::nullopt;
    ended = {changed, job_load(*summary)};
  }
  return ended.load;
}

std::vector<json> JobsHere::list(const std::string& job, const std::string& what) {
  const auto list = list_of_job(job_paths(job), what);
  if (!list.ok() || !list->is_array()) return {};
  return {list->begin(), list->end()};
}

std::vector<LogLine> JobsHere::log(const std::string& job) {
  const std::string text = end_of_file(job_paths(job).logs() + "/" + std::string(kLogFile), kLogBytes);
  std::vector<LogLine> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (auto line = log_line_from_json(std::string_view(text).substr(begin, end - begin)))
      lines.push_back(*std::move(line));
  }
  return lines;
}

}  // namespace

std::unique_ptr<TopSource> jobs_here() { return std::make_unique<JobsHere>(); }

}  // namespace stream
