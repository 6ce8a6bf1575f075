#include <fcntl.h>
#include <poll.h>
#include <re2/re2.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/verb.h"
#include "supervisor/job_log.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

struct LogFilter {
  std::string stage;
  LogLevel level = LogLevel::kTrace;
  Microseconds since = 0;
  std::unique_ptr<RE2> pattern;

  bool passes(const LogLine& line) const {
    return line.level >= level && line.at_us >= since && (stage.empty() || line.stage == stage) &&
           (!pattern || RE2::PartialMatch(line.message, *pattern));
  }
};

class LogPrinter {
 public:
  LogPrinter(LogFilter filter, bool as_json) : filter_(std::move(filter)), as_json_(as_json) {}

  // Prints the whole lines of `bytes`; a part of a line waits for the rest.
  void feed(std::string_view bytes) {
    partial_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      print(std::string_view(partial_).substr(begin, end - begin));
    }
    partial_.erase(0, begin);
    std::fflush(stdout);
  }

 private:
  void print(std::string_view text) const {
    const auto line = log_line_from_json(text);
    if (!line || !filter_.passes(*line)) return;
    const std::string out = as_json_ ? std::string(text) : to_text(*line);
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fputc('\n', stdout);
  }

  LogFilter filter_;
  bool as_json_;
  std::string partial_;
};

// Rotated files, oldest first, then the current one.
std::vector<std::string> log_files(const JobPaths& job) {
  std::vector<std::string> files;
  for (int i = 9; i >= 1; --i) {
    const std::string path = job.logs() + "/stream." + std::to_string(i) + ".log";
    if (::access(path.c_str(), R_OK) == 0) files.push_back(path);
  }
  files.push_back(job.logs() + "/" + std::string(kLogFile));
  return files;
}

ino_t inode_of(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

void copy_rest(int fd, LogPrinter& printer) {
  char chunk[64 * 1024];
  for (ssize_t n = 0; (n = ::read(fd, chunk, sizeof chunk)) > 0;) printer.feed({chunk, static_cast<std::size_t>(n)});
}

// Until the job ends: what is appended, through rotation.
void follow(const JobPaths& job, int fd, LogPrinter& printer) {
  const std::string path = job.logs() + "/" + std::string(kLogFile);
  const int watch = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  ::inotify_add_watch(watch, job.logs().c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  for (;;) {
    const bool running = JobLock::runs(job);
    copy_rest(fd, printer);
    struct stat now {};
    if (::stat(path.c_str(), &now) == 0 && now.st_ino != inode_of(fd)) {
      ::close(fd);
      fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      continue;
    }
    if (!running) break;
    pollfd wait{watch, POLLIN, 0};
    ::poll(&wait, 1, 500);
    char events[4096];
    while (::read(watch, events, sizeof events) > 0) {}
  }
  ::close(watch);
  ::close(fd);
}

}  // namespace

int verb_logs(std::span<const std::string> args) {
  std::string name;
  std::string level = "trace";
  std::string since;
  std::string grep;
  bool follow_on = false;
  bool as_json = false;
  LogFilter filter;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("-f,--follow", follow_on, "go on with what is logged from now on, until the job ends");
    app.add_option("--stage", filter.stage, "only lines of this stage")->type_name("STAGE");
    app.add_option("--level", level, "least severe level: trace, debug, info, warning, error")->type_name("LEVEL");
    app.add_option("--since", since, "only lines of the last DURATION")->type_name("DURATION");
    app.add_option("--grep", grep, "only lines whose message matches this regular expression (RE2)")->type_name("RE");
    app.add_flag("--json", as_json, "print the lines as they are kept, JSON");
  };
  return run_verb("logs", args, declare, [&] {
    const auto least = parse_log_level(level);
    if (!least.ok()) return fail("logs", least.status());
    filter.level = *least;
    if (!since.empty()) {
      const auto duration = parse_duration(since);
      if (!duration.ok()) return fail("logs", duration.status());
      filter.since = system_clock().wall_us() - *duration;
    }
    if (!grep.empty()) filter.pattern = std::make_unique<RE2>(grep, RE2::Quiet);
    if (filter.pattern && !filter.pattern->ok()) return fail("logs", usage_error("--grep: " + filter.pattern->error()));
    const auto job = find_job(name);
    if (!job.ok()) return fail("logs", job.status());
    LogPrinter printer(std::move(filter), as_json);
    const std::vector<std::string> files = log_files(*job);
    for (const std::string& path : files) {
      const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      copy_rest(fd, printer);
      if (follow_on && &path == &files.back())
        follow(*job, fd, printer);
      else
        ::close(fd);
    }
    return kDone;
  });
}

int verb_dead_letter(std::span<const std::string> args) {
  std::string name;
  bool count = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("--count", count, "print how many there are instead");
  };
  return run_verb("dead-letter", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("dead-letter", job.status());
    const auto names = system_files().list(job->dead_letter());
    std::size_t lines = 0;
    for (const std::string& file : names.ok() ? *names : std::vector<std::string>()) {
      if (!file.ends_with(".ndjson")) continue;
      const auto text = system_files().read_file(job->dead_letter() + "/" + file);
      if (!text.ok()) return fail("dead-letter", text.status());
      lines += static_cast<std::size_t>(std::ranges::count(*text, '\n'));
      if (!count) std::fwrite(text->data(), 1, text->size(), stdout);
    }
    if (count) std::printf("%zu\n", lines);
    return kDone;
  });
}

}  // namespace stream
