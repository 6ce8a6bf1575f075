#include <poll.h>
#include <re2/re2.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/log_files.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
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
      add(std::string_view(partial_).substr(begin, end - begin));
    }
    partial_.erase(0, begin);
    std::fwrite(out_.data(), 1, out_.size(), stdout);
    std::fflush(stdout);
    out_.clear();
  }

  // True if some line was of the stage that is asked for, whether it passed or not.
  bool stage_seen() const { return stage_seen_; }

 private:
  void add(std::string_view text) {
    const auto line = log_line_from_json(text);
    if (line) stage_seen_ = stage_seen_ || line->stage == filter_.stage;
    if (!line || !filter_.passes(*line)) return;
    as_json_ ? void(out_ += text) : append_text(*line, &out_);
    out_ += '\n';
  }

  LogFilter filter_;
  bool as_json_;
  bool stage_seen_ = false;
  std::string partial_;
  std::string out_;
};

void print_all(LogFiles& files, LogPrinter& printer) {
  files.read([&](std::string_view bytes) { printer.feed(bytes); });
  if (files.take_lost()) std::fprintf(stderr, "stream logs: some lines went before they were read\n");
}

// Until the job ends, or the reader goes: what is appended.
void follow(const JobPaths& job, LogFiles& files, LogPrinter& printer) {
  const int watch = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  ::inotify_add_watch(watch, job.logs().c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  for (;;) {
    const bool running = JobLock::runs(job);
    print_all(files, printer);
    if (!running) break;
    pollfd wait[] = {{watch, POLLIN, 0}, {1, 0, 0}};
    ::poll(wait, 2, 500);
    if ((wait[1].revents & POLLERR) != 0) break;  // nobody reads any more; a quiet job would not find out
    char events[64 * 1024];
    while (::read(watch, events, sizeof events) > 0) {}
  }
  ::close(watch);
}

Result<LogFilter> filter_of(const VerbValues& values) {
  LogFilter filter;
  filter.stage = values.text("stage");
  STREAM_ASSIGN(filter.level, parse_log_level(values.text("level")));
  if (values.has("since")) filter.since = system_clock().wall_us() - values.duration("since");
  if (!values.has("grep")) return filter;
  filter.pattern = std::make_unique<RE2>(values.text("grep"), RE2::Quiet);
  if (!filter.pattern->ok()) return usage_error("option '--grep': " + filter.pattern->error());
  return filter;
}

// A stage of the job, or one that an earlier manifest had when it logged.
Status check_stage(const JobPaths& job, const std::string& stage, const LogPrinter& printer) {
  if (stage.empty() || printer.stage_seen()) return {};
  const auto stages = stages_of_job(job);
  if (!stages.ok()) return {};  // it has never been planned, so nothing can be said of its stages
  if (std::ranges::find(*stages, stage) != stages->end()) return {};
  return usage_error("job '" + job.job + "' has no stage '" + stage + "'" + did_you_mean(stage, *stages) + "; it has " +
                     join(*stages, ", "));
}

int set_level(const JobPaths& job, const std::string& stage, const std::string& level) {
  const auto set = ask_job(job, {{"verb", "log-level"}, {"stage", stage}, {"level", level}}, kQuickAnswer);
  return set.ok() ? kDone : fail("logs", set.status());
}

int run_logs(const VerbValues& values) {
  auto filter = filter_of(values);
  if (!filter.ok()) return fail("logs", filter.status());
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("logs", job.status());
  if (values.has("set-level")) return set_level(*job, values.text("stage"), values.text("set-level"));
  LogPrinter printer(*std::move(filter), values.flag("json"));
  LogFiles files(job->logs());
  print_all(files, printer);
  if (const Status known = check_stage(*job, values.text("stage"), printer); !known.ok()) return fail("logs", known);
  if (values.flag("follow")) follow(*job, files, printer);
  return kDone;
}

constexpr VerbOption kLogsOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "follow",
     .letter = 'f',
     .doc = "Go on with what is logged from now on, until the job ends.",
     .kind = ValueKind::kFlag},
    {.name = "stage", .arg = "STAGE", .doc = "Only lines of this stage.", .kind = ValueKind::kStageOfJob},
    {.name = "level",
     .arg = "LEVEL",
     .doc = "Least severe level.",
     .kind = ValueKind::kChoice,
     .fallback = "trace",
     .choices = "trace|debug|info|warning|error"},
    {.name = "since", .arg = "DURATION", .doc = "Only lines of the last DURATION.", .kind = ValueKind::kDuration},
    {.name = "grep", .arg = "RE", .doc = "Only lines whose message matches this regular expression (RE2)."},
    {.name = "set-level",
     .arg = "LEVEL",
     .doc = "Print nothing: from now on the running job, or with --stage that stage, logs what is at least so severe, "
            "until its supervisor ends.",
     .kind = ValueKind::kChoice,
     .choices = "trace|debug|info|warning|error",
     .excludes = "follow"},
    json_option("Print the lines as they are kept, JSON."),
};

constexpr VerbExample kLogsExamples[] = {
    {"stream logs -f web-errors", "Shows what a job logs until it ends."},
    {"stream logs --level warning --since 1h --stage requests web-errors",
     "Shows what one stage has complained about lately."},
    {"stream logs --set-level warning --stage requests web-errors", "Has a stage that talks too much log less."},
};

}  // namespace

const VerbTable kLogsVerb = {
    .description =
        "Prints what a job and its stages have logged, oldest first: time, level, stage and instance, attempt, "
        "message. "
        "A job that does not run can be asked too.\n\n"
        "A line that an instance repeats is written ten times in ten seconds; then one line tells how often it came "
        "more. "
        "What is logged is kept in five files of 16 MiB, the oldest of which goes when another is needed; the key "
        "'log-to' "
        "of a manifest says otherwise, and sends it to syslog, journald or standard error as well: see "
        "stream-manifest(5).\n\n"
        "Lines of all instances are in the order in which they came.",
    .options = kLogsOptions,
    .examples = kLogsExamples,
    .run = run_logs,
};

}  // namespace stream
