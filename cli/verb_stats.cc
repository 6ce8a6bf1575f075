#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/live_screen.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string percent(const json& object, const char* key) {
  return std::to_string(std::lround(object.value(key, 0.0) * 100)) + "%";
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

using Lines = std::vector<std::string>;

// As wide as any other, so that columns keep their places while the numbers change.
std::string number(const json& object, const char* key) {
  constexpr std::size_t kWidest = 5;  // "12.3k"
  const std::string text = short_number(object[key].get<double>());
  return std::string(kWidest - std::min(kWidest, text.size()), ' ') + text;
}

Lines instances_table(const json& stats) {
  const bool late = std::ranges::any_of(stats["instances"], [](const json& i) { return i["late_records"] != 0; });
  const bool hosts = std::ranges::any_of(stats["instances"], [](const json& i) { return i.contains("host"); });
  std::vector<std::string> headers = {"INSTANCE", ">IN/s", ">OUT/s", ">IN B/s", ">BUSY",   ">IDLE", ">FULL",
                                      ">QUEUE",   ">LAG",  ">ROWS",  ">STATE",  ">MEMORY", ">BAD"};
  if (late) headers.push_back(">LATE");
  if (hosts) headers.push_back("HOST");
  Table table(std::move(headers),
              {">IDLE", ">QUEUE", ">IN B/s", ">ROWS", ">LAG", ">STATE", ">OUT/s", ">FULL", ">MEMORY", ">BUSY"});
  for (const json& i : stats["instances"]) {
    Lines cells = {i["stage"].get<std::string>() + "." + std::to_string(i["instance"].get<int>()),
                   number(i, "records_in_rate"),
                   number(i, "records_out_rate"),
                   number(i, "bytes_in_rate"),
                   percent(i, "busy"),
                   percent(i, "idle"),
                   percent(i, "backpressured"),
                   number(i, "queued_bytes"),
                   lag(i),
                   number(i, "state_rows"),
                   number(i, "state_bytes"),
                   number(i, "resident_bytes"),
                   short_number(i["bad_records"].get<double>())};
    if (late) cells.push_back(short_number(i["late_records"].get<double>()));
    if (hosts) cells.push_back(i.value("host", ""));
    table.add(std::move(cells));
  }
  return table.lines();
}

std::string metric_value(const json& value) {
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  char text[32];
  std::snprintf(text, sizeof text, "%g", value.get<double>());
  return text;
}

// By stage; empty if nothing was measured.
Lines latency_table(const json& stats) {
  const json latency = stats.value("latency", json::array());
  Table table({"LATENCY", ">P50", ">P95", ">P99", ">MAX"}, {});
  for (const json& of : latency) {
    Lines cells = {of.value("stage", "")};
    for (const char* key : {"p50_us", "p95_us", "p99_us", "max_us"})
      cells.push_back(milliseconds(of.value(key, Microseconds{0})));
    table.add(std::move(cells));
  }
  return latency.empty() ? Lines() : table.lines();
}

// What the user's own code counts, by name; empty if there is nothing.
Lines metrics_table(const json& stats) {
  Table table({"INSTANCE", "NAME", ">VALUE"}, {});
  bool any = false;
  for (const json& i : stats["instances"]) {
    const std::string name = i["stage"].get<std::string>() + "." + std::to_string(i["instance"].get<int>());
    for (const char* kind : {"user_counters", "user_gauges", "user_meters", "user_histograms"}) {
      const json metrics = i.value(kind, json::object());
      for (const auto& [metric, value] : metrics.items()) {
        if (!value.is_object()) table.add({name, metric, metric_value(value)});
        const json parts = value.is_object() ? value : json::object();
        for (const auto& [part, number] : parts.items()) table.add({name, metric + " " + part, metric_value(number)});
      }
      any = any || !metrics.empty();
    }
  }
  return any ? table.lines() : Lines();
}

std::string checkpoint_line(const json& checkpoint) {
  return "checkpoint " + std::to_string(checkpoint["epoch"].get<std::uint64_t>()) + " " +
         checkpoint["status"].get<std::string>() + " in " +
         milliseconds(checkpoint["duration_us"].get<Microseconds>()) + ", " +
         format_size(checkpoint["bytes"].get<std::uint64_t>());
}

// Where the time of the last checkpoint went: until the barrier came, waiting for the other
// channels, standing still, and writing beside the work.
Lines checkpoint_table(const json& checkpoint) {
  Table table({"INSTANCE", ">DELAY", ">ALIGN", ">SYNC", ">ASYNC", ">ROWS", ">BYTES"},
              {">ROWS", ">BYTES", ">DELAY", ">ALIGN"});
  for (const json& i : checkpoint["detail"]) {
    table.add({i["instance"].get<std::string>(), milliseconds(i["start_delay_us"].get<Microseconds>()),
               milliseconds(i["alignment_us"].get<Microseconds>()), milliseconds(i["sync_us"].get<Microseconds>()),
               milliseconds(i["async_us"].get<Microseconds>()), number(i, "rows"), number(i, "bytes")});
  }
  return table.lines();
}

std::string job_line(const json& job) {
  return job["job"].get<std::string>() + "  " + job["state"].get<std::string>() + "  attempt " +
         std::to_string(job["attempt"].get<int>());
}

// The first lines of a table, and how many do not fit.
Lines cut_to(std::size_t room, Lines table) {
  if (table.size() <= room) return table;
  const std::size_t kept = room > 1 ? room - 1 : 0;
  const std::string rest = "… " + std::to_string(table.size() - std::max<std::size_t>(kept, 1)) + " more";
  table.resize(kept);
  if (room > 0) table.push_back(rest);
  return table;
}

// In `room` lines; instances go first, then how the last checkpoint went, then its table.
Lines picture(const json& stats, std::size_t room) {
  Lines lines = {job_line(stats["job"])};
  Lines instances = instances_table(stats);
  for (const Lines& more : {latency_table(stats), metrics_table(stats)}) {
    if (more.empty()) continue;
    instances.emplace_back();
    instances.insert(instances.end(), more.begin(), more.end());
  }
  const json checkpoint = stats.value("checkpoint", json());
  const bool below = checkpoint.is_object() && checkpoint["detail"].is_array();
  const bool fits = lines.size() + instances.size() + 2 <= room;  // with an empty line and the checkpoint's
  for (std::string& line : cut_to(room - lines.size(), std::move(instances))) lines.push_back(std::move(line));
  if (!below || !fits) return lines;
  lines.insert(lines.end(), {"", checkpoint_line(checkpoint)});
  constexpr std::size_t kLeast = 3;  // the head, one line, and how many there are more
  if (room - lines.size() < kLeast) return lines;
  for (std::string& line : cut_to(room - lines.size(), checkpoint_table(checkpoint))) lines.push_back(std::move(line));
  return lines;
}

void draw(const json& stats, LiveScreen& screen) {
  const std::size_t height = terminal_height();
  const std::size_t width = terminal_width();
  Lines lines = picture(stats, height == 0 ? SIZE_MAX : std::max<std::size_t>(height, 2) - 1);
  for (std::string& line : lines) line.resize(width == 0 ? line.size() : std::min(line.size(), width));
  screen.draw(lines);
}

// A line a process, of the same values as in JSON. Times are those of the clock, so that lines add up.
std::string csv(const json& stats, bool head) {
  constexpr const char* kColumns[] = {"stage",
                                      "instance",
                                      "pid",
                                      "running_us",
                                      "records_in",
                                      "records_out",
                                      "bytes_in",
                                      "bytes_out",
                                      "records_in_rate",
                                      "records_out_rate",
                                      "bytes_in_rate",
                                      "bytes_out_rate",
                                      "busy",
                                      "idle",
                                      "backpressured",
                                      "queued_bytes",
                                      "state_rows",
                                      "state_bytes",
                                      "spilled_bytes",
                                      "resident_bytes",
                                      "bad_records",
                                      "late_records",
                                      "watermark_us",
                                      "watermark_lag_us"};
  std::string text;
  if (head) {
    text = "at_us";
    for (const char* column : kColumns) text += std::string(",") + column;
    text += "\n";
  }
  const std::string now = std::to_string(system_clock().wall_us());
  for (const json& i : stats["instances"]) {
    text += now;
    for (const char* column : kColumns) {
      const json value = i.value(column, json());
      text += "," + (value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump());
    }
    text += "\n";
  }
  return text;
}

enum class Form : std::uint8_t { kTable, kJson, kCsv };

void print(const json& stats, Form form, bool first) {
  std::string text;
  if (form == Form::kJson) text = stats.dump() + "\n";
  if (form == Form::kCsv) text = csv(stats, first);
  if (form == Form::kTable) {
    for (const std::string& line : picture(stats, SIZE_MAX)) text += line + "\n";
  }
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int watch(const JobPaths& job, Form form) {
  LiveScreen screen(form == Form::kTable);
  for (bool first = true;; first = false) {
    const auto stats = ask_job(job, {{"verb", "stats"}}, kQuickAnswer);
    if (!stats.ok() && !first) return kDone;  // the job has ended
    if (!stats.ok()) return fail("stats", stats.status());
    LiveScreen::Event event;
    do {
      if (screen.live())
        draw(*stats, screen);
      else
        print(*stats, form, first);
      event = screen.wait(1'000'000);
    } while (event == LiveScreen::Event::kResized);
    if (event == LiveScreen::Event::kLeave) return kDone;
  }
}

int run(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("stats", job.status());
  const Form form = values.flag("json") ? Form::kJson : values.flag("csv") ? Form::kCsv : Form::kTable;
  if (values.flag("watch")) return watch(*job, form);
  const auto stats = stats_of_job(*job);
  if (!stats.ok()) return fail("stats", stats.status());
  print(*stats, form, true);
  return kDone;
}

constexpr VerbOption kOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "watch",
     .letter = 'w',
     .doc = "Show it again every second, until the job ends or, on a terminal, q is typed.",
     .kind = ValueKind::kFlag},
    {.name = "csv",
     .doc = "Print CSV, a line a process each time, its head once; the columns are the keys of --json.",
     .kind = ValueKind::kFlag,
     .excludes = "json"},
    json_option("Print JSON, a line each time."),
};

constexpr VerbExample kExamples[] = {
    {"stream stats --watch web-errors", "Watches a job at work."},
    {"stream stats --json web-errors | jq '.instances[] | {stage, busy, backpressured}'",
     "Finds the stage that holds the others up."},
    {"stream stats --csv web-errors > stats.csv",
     "Keeps numbers for a spreadsheet; with --watch, every second of them."},
};

}  // namespace

const VerbTable kStatsVerb = {
    .description =
        "Prints a line for each process of a job; of one that does not run, as it was at its end. IN, OUT and IN B are "
        "records and bytes a second over about "
        "the last second. BUSY, IDLE and FULL are shares of its time: working, waiting for input, waiting for room "
        "behind it. QUEUE is what it holds to be sent, in bytes; LAG how far event time is behind the clock; ROWS and "
        "STATE the size of its state; MEMORY what the system has given it; BAD the records it could not process, LATE, "
        "if "
        "there are any, those that came too late for their window; both since the newest start. A narrow terminal "
        "shows the more "
        "telling of these columns, and --watch as many lines as there is room for.\n\n"
        "LATENCY, a line a stage, is how long rows have taken from their source to the end of the stage, of about the "
        "newest 128 that were measured in each process: ten times a second a source marks what it emits. What windows "
        "keep is not waited for.\n\n"
        "What the user's own code counts in `lua` and `exec` follows by name: counters and gauges, a line each, since "
        "the newest start.\n\n"
        "Below stands where the time of the last checkpoint went in each process: DELAY until the barrier came, ALIGN "
        "until it had come on every channel, SYNC standing still, ASYNC writing beside the work.",
    .options = kOptions,
    .examples = kExamples,
    .no = "The job has never run, or with --watch does not run.",
    .run = run,
};

}  // namespace stream
