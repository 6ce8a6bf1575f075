#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/table.h"
#include "cli/verb.h"
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
               ">MEMORY", ">BAD"});
  for (const json& i : stats["instances"]) {
    table.add({i["stage"].get<std::string>() + "." + std::to_string(i["instance"].get<int>()),
               short_number(i["records_in_rate"].get<double>()), short_number(i["records_out_rate"].get<double>()),
               short_number(i["bytes_in_rate"].get<double>()), percent(i, "busy"), percent(i, "idle"),
               percent(i, "backpressured"), short_number(i["queued_bytes"].get<double>()), lag(i),
               short_number(i["state_rows"].get<double>()), short_number(i["state_bytes"].get<double>()),
               short_number(i["resident_bytes"].get<double>()), short_number(i["bad_records"].get<double>())});
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

}  // namespace

int verb_stats(std::span<const std::string> args) {
  std::string name;
  bool watch = false;
  bool as_json = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("-w,--watch", watch, "show it again every second, until the job ends");
    app.add_flag("--json", as_json, "print JSON, a line each time");
  };
  return run_verb("stats", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("stats", job.status());
    for (bool first = true;; first = false) {
      const auto stats = ask_job(*job, {{"verb", "stats"}}, kQuickAnswer);
      if (!stats.ok() && !first) return kDone;  // the job has ended
      if (!stats.ok()) return fail("stats", stats.status());
      const bool terminal = ::isatty(1) != 0;
      if (watch && terminal && !as_json) std::fputs("\033[H\033[2J", stdout);
      std::fputs((as_json ? stats->dump() + "\n" : render(*stats)).c_str(), stdout);
      std::fflush(stdout);
      if (!watch || leave_asked()) return kDone;
    }
  });
}

}  // namespace stream
