#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string percent(const json& object, const char* key) {
  return std::to_string(static_cast<int>(object.value(key, 0.0) * 100 + 0.5)) + "%";
}

std::string lag(const json& instance) {
  if (!instance.contains("watermark_lag_us")) return "-";
  const Microseconds us = instance["watermark_lag_us"].get<Microseconds>();
  return format_duration(us < 1'000'000 ? us / 1000 * 1000 : us / 1'000'000 * 1'000'000);
}

std::string milliseconds(Microseconds us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1fms", static_cast<double>(us) / 1000);
  return text;
}

std::string instances_table(const json& stats) {
  Table table({"INSTANCE", ">IN/s", ">OUT/s", ">IN B/s", ">BUSY", ">IDLE", ">FULL", ">QUEUE", ">LAG", ">ROWS", ">STATE",
               ">MEMORY", ">BAD", ">LATE"});
  for (const json& i : stats["instances"]) {
    table.add({i["stage"].get<std::string>() + "." + std::to_string(i["instance"].get<int>()),
               short_number(i["records_in_rate"].get<double>()), short_number(i["records_out_rate"].get<double>()),
               short_number(i["bytes_in_rate"].get<double>()), percent(i, "busy"), percent(i, "idle"),
               percent(i, "backpressured"), short_number(i["queued_bytes"].get<double>()), lag(i),
               short_number(i["state_rows"].get<double>()), short_number(i["state_bytes"].get<double>()),
               short_number(i["resident_bytes"].get<double>()), short_number(i["bad_records"].get<double>()),
               short_number(i["late_records"].get<double>())});
  }
  return table.text();
}

// Where the time of the last checkpoint went: until the barrier came, waiting for the other
// channels, standing still, and writing beside the work.
std::string checkpoint_table(const json& checkpoint) {
  if (!checkpoint.is_object() || !checkpoint["detail"].is_array()) return "";
  Table table({"INSTANCE", ">DELAY", ">ALIGN", ">SYNC", ">ASYNC", ">ROWS", ">BYTES"});
  for (const json& i : checkpoint["detail"]) {
    table.add({i["instance"].get<std::string>(), milliseconds(i["start_delay_us"].get<Microseconds>()),
               milliseconds(i["alignment_us"].get<Microseconds>()), milliseconds(i["sync_us"].get<Microseconds>()),
               milliseconds(i["async_us"].get<Microseconds>()), short_number(i["rows"].get<double>()),
               short_number(i["bytes"].get<double>())});
  }
  return "\ncheckpoint " + std::to_string(checkpoint["epoch"].get<std::uint64_t>()) + " " +
         checkpoint["status"].get<std::string>() + " in " +
         milliseconds(checkpoint["duration_us"].get<Microseconds>()) + ", " +
         format_size(checkpoint["bytes"].get<std::uint64_t>()) + "\n" + table.text();
}

std::string render(const json& stats) {
  const json& job = stats["job"];
  std::string out = job["job"].get<std::string>() + "  " + job["state"].get<std::string>() + "  attempt " +
                    std::to_string(job["attempt"].get<int>()) + "\n" + instances_table(stats);
  if (stats.contains("checkpoint")) out += checkpoint_table(stats["checkpoint"]);
  return out;
}

// Waits for a second, or until somebody types q.
bool leave_asked() {
  pollfd input{0, POLLIN, 0};
  if (::poll(&input, ::isatty(0) != 0 ? 1 : 0, 1000) <= 0) return false;
  char key = 0;
  return ::read(0, &key, 1) <= 0 || key == 'q';
}

void print(const json& stats, bool watch, bool as_json) {
  if (watch && ::isatty(1) != 0 && !as_json) std::fputs("\033[H\033[2J", stdout);
  std::fputs((as_json ? stats.dump() + "\n" : render(stats)).c_str(), stdout);
  std::fflush(stdout);
}

int run(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("stats", job.status());
  const bool watch = values.flag("watch");
  for (bool first = true;; first = false) {
    const auto stats = ask_job(*job, {{"verb", "stats"}}, kQuickAnswer);
    if (!stats.ok() && !first) return kDone;  // the job has ended
    if (!stats.ok()) return fail("stats", stats.status());
    print(*stats, watch, values.flag("json"));
    if (!watch || leave_asked()) return kDone;
  }
}

constexpr VerbOption kOptions[] = {
    job_argument(ValueKind::kRunningJob),
    {.name = "watch",
     .letter = 'w',
     .doc = "Show it again every second, until the job ends or q is typed.",
     .kind = ValueKind::kFlag},
    json_option("Print JSON, a line each time."),
};

constexpr VerbExample kExamples[] = {
    {"stream stats --watch web-errors", "Watches a job at work."},
    {"stream stats --json web-errors | jq '.instances[] | {stage, busy, backpressured}'",
     "Finds the stage that holds the others up."},
};

}  // namespace

const VerbTable kStatsVerb = {
    .description =
        "Prints a line for each process of a running job. IN, OUT and IN B are records and bytes a second over about "
        "the last second. BUSY, IDLE and FULL are shares of its time: working, waiting for input, waiting for room "
        "behind it. QUEUE is what it holds to be sent, in bytes; LAG how far event time is behind the clock; ROWS and "
        "STATE the size of its state; MEMORY what the system has given it; BAD the records it could not process, "
        "LATE those that came too late for their window; both since the newest start.\n\n"
        "Below stands where the time of the last checkpoint went in each process: DELAY until the barrier came, ALIGN "
        "until it had come on every channel, SYNC standing still, ASYNC writing beside the work.",
    .options = kOptions,
    .examples = kExamples,
    .no = "The job does not run.",
    .run = run,
};

}  // namespace stream
