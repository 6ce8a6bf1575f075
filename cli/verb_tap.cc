#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/run_job.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "supervisor/tap_listener.h"

namespace stream {
namespace {

constexpr int kLookEvery = 200;  // milliseconds, at whether the job still runs

// Prints what comes, up to a limit.
class TapPrinter {
 public:
  explicit TapPrinter(const VerbValues& values) : as_json_(values.flag("json")) {
    if (values.has("limit")) left_ = values.integer("limit");
  }

  bool take(const TapListener::Line& line) {
    if (line.kind == 'E') {
      failure_ = line.text;
      return false;
    }
    if (line.kind == 'D') {
      not_shown_[line.instance] += std::strtoull(line.text.c_str(), nullptr, 10);
      if (system_clock().monotonic_us() >= tell_at_) tell();
      return true;
    }
    const std::string text =
        as_json_ ? R"({"instance":")" + line.instance + R"(","row":)" + line.text + "}\n" : line.text + "\n";
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written && (!left_ || --*left_ > 0);
  }

  // How many rows were not shown: once a second, and at the end.
  void tell() {
    for (const auto& [instance, rows] : not_shown_) {
      std::fprintf(stderr, "stream tap: %s: %llu rows not shown\n", instance.c_str(),
                   static_cast<unsigned long long>(rows));
    }
    not_shown_.clear();
    tell_at_ = system_clock().monotonic_us() + 1'000'000;
  }

  const std::string& failure() const { return failure_; }

 private:
  bool as_json_;
  std::optional<std::int64_t> left_;
  std::string failure_;
  std::map<std::string, std::uint64_t> not_shown_;  // by instance
  Microseconds tell_at_ = 0;
};

// Until the job is over, or the printer has enough, or its reader goes.
Status print_rows(const JobPaths& job, TapListener& listener, TapPrinter& printer) {
  for (;;) {
    const bool running = JobLock::runs(job);
    STREAM_ASSIGN(const bool more, listener.wait(running || listener.connected() ? kLookEvery : 0,
                                                 [&](const TapListener::Line& line) { return printer.take(line); }));
    if (!more || (!running && !listener.connected())) return {};
  }
}

nlohmann::json request_of(const VerbValues& values, const std::string& socket) {
  const std::string& place = values.text("stage");
  const std::size_t dot = place.find('.');
  return {{"verb", "tap"},
          {"stage", place.substr(0, dot)},
          {"output", dot == std::string::npos ? "" : place.substr(dot + 1)},
          {"where", values.text("where")},
          {"socket", socket}};
}

int run(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("tap", job.status());
  if (!JobLock::runs(*job)) return fail("tap", failed("job '" + job->job + "' does not run"));
  const auto listener = TapListener::make(job->sockets() + "/tap-" + std::to_string(::getpid()));
  if (!listener.ok()) return fail("tap", listener.status());
  const auto answer = ask_job(*job, request_of(values, (*listener)->path()), kQuickAnswer);
  if (!answer.ok()) return fail("tap", answer.status());
  TapPrinter printer(values);
  const Status done = print_rows(*job, **listener, printer);
  printer.tell();
  if (!done.ok()) return fail("tap", done);
  return printer.failure().empty() ? kDone : fail("tap", usage_error(printer.failure()));
}

constexpr VerbOption kOptions[] = {
    {.name = "job",
     .arg = "JOB",
     .doc = "Name or unique id prefix of the job.",
     .kind = ValueKind::kRunningJob,
     .positional = true,
     .required = true},
    {.name = "stage",
     .arg = "STAGE[.OUTPUT]",
     .doc = "Whose rows; of a sink those that reach it.",
     .kind = ValueKind::kStageOfJob,
     .positional = true,
     .required = true},
    {.name = "where", .arg = "EXPR", .doc = "Only rows for which this SQL condition is true."},
    {.name = "limit", .arg = "N", .doc = "End after so many rows.", .kind = ValueKind::kInteger, .least = 1},
    json_option("Print {\"instance\": …, \"row\": …}, a line a row."),
};

constexpr VerbExample kExamples[] = {
    {"stream tap web-errors errors --where \"host = 'a'\"", "Shows errors of one host as they pass."},
    {"stream tap web-errors per-minute.late | head -3", "Shows the next three late rows."},
    {"stream tap --json --limit 100 web-errors per-minute | jq -r .instance | sort | uniq -c",
     "Shows how rows are spread over instances."},
};

}  // namespace

const VerbTable kTapVerb = {
    .description =
        "Prints the rows of a stage as JSON lines, as they leave each of its instances, until the job ends or its "
        "reader goes. Rows of a stream of changes have `_op` in front. Columns that nothing downstream uses do not "
        "travel, and are not shown; 'stream explain' lists those that do.\n\n"
        "The job is not disturbed: an instance copies rows only while somebody listens, spends at most a twentieth of "
        "its time on it, and never waits for the reader. How many rows were not shown is said on standard error. "
        "Several taps can be open at a time. A stage that is restarted is listened to again.",
    .options = kOptions,
    .examples = kExamples,
    .run = run,
};

}  // namespace stream
