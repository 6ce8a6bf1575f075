#include "cli/top/top_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cli/table.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr double kHot = 0.8;   // share of its time from which a process is what holds others up
constexpr double kWarm = 0.5;  // and from which it may soon be

struct Drawing {
  TopState& state;
  Canvas canvas;
  std::vector<Line> lines;

  void text(std::string text, Style style = Style::kPlain) {
    lines.push_back({.spans = {{clip(text, canvas.columns), style}}});
  }
};

Span plain(std::string text) { return {std::move(text), Style::kPlain}; }

Span share(double value) {
  const Style style = value >= kHot ? Style::kBad : value >= kWarm ? Style::kWarning : Style::kPlain;
  return {std::to_string(std::lround(value * 100)) + "%", style};
}

Span count(double value, Style unless_zero = Style::kPlain) {
  return {short_number(value), value > 0 ? unless_zero : Style::kPlain};
}

Span state_name(const std::string& name) {
  if (name == "RUNNING" || name == "FINISHED") return {name, Style::kGood};
  if (name == "FAILED" || name == "DEAD") return {name, Style::kBad};
  return {name, name == "STOPPED" || name == "CANCELLED" ? Style::kDim : Style::kWarning};
}

std::string whole_seconds(Microseconds us) { return format_duration(us / 1'000'000 * 1'000'000); }

std::string milliseconds(Microseconds us) {
  char text[32];
  std::snprintf(text, sizeof text, us < 10'000 ? "%.1fms" : "%.0fms", static_cast<double>(us) / 1000);
  return text;
}

std::string age(const JobLoad& job, Microseconds now) {
  return job.started_us == 0 ? "-" : whole_seconds(std::max<Microseconds>(0, now - job.started_us));
}

Span lag(const Load& load) {
  if (!load.lag) return plain("-");
  return plain(std::abs(*load.lag) < 1'000'000 ? format_duration(*load.lag / 1000 * 1000) : whole_seconds(*load.lag));
}

// --- tables -------------------------------------------------------------------------------------------

const std::vector<TopColumn> kLoadColumns = {
    {.title = "IN/s", .right = true, .spare = 2},
    {.title = "OUT/s", .right = true},
    {.title = "BUSY", .right = true},
    {.title = "FULL", .right = true, .spare = 3},
    {.title = "LAG", .right = true, .spare = 4},
    {.title = "STATE", .right = true, .spare = 5},
    {.title = "MEMORY", .right = true, .spare = 6},
};
const TopColumn kTrend = {.title = "TREND", .right = true, .spare = 8, .fills = true};

void add_load(std::vector<Span>& cells, const Load& load) {
  cells.insert(cells.end(), {count(load.records_in), count(load.records_out), share(load.busy), share(load.full),
                             lag(load), count(load.state), count(load.memory)});
}

std::vector<TopColumn> with_load(std::vector<TopColumn> first, std::vector<TopColumn> last = {}) {
  first.insert(first.end(), kLoadColumns.begin(), kLoadColumns.end());
  first.insert(first.end(), last.begin(), last.end());
  first.push_back(kTrend);
  return first;
}

TopTable jobs_table(const TopState& state, bool utf8) {
  TopTable table{.columns = with_load({{.title = "JOB"}, {.title = "STATE"}, {.title = "N", .right = true, .spare = 7}},
                                      {{.title = "CKPT", .right = true, .spare = 9},
                                       {.title = "RST", .right = true, .spare = 10},
                                       {.title = "AGE", .right = true, .spare = 11}}),
                 .rows = {}};
  for (const JobLoad* job : state.jobs()) {
    std::vector<Span> cells = {plain(job->name), state_name(job->state), plain(std::to_string(job->processes()))};
    if (job->running) add_load(cells, job->load);
    cells.resize(3 + kLoadColumns.size(), plain("-"));
    cells.push_back(plain(std::to_string(job->checkpoint)));
    cells.push_back({std::to_string(job->restarts), job->restarts > 0 ? Style::kWarning : Style::kPlain});
    cells.push_back(plain(age(*job, state.sample().at_us)));
    cells.push_back(plain(job->running ? sparkline(state.history(job->name), utf8) : ""));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::vector<TopColumn> bad_and_late() {
  return {{.title = "BAD", .right = true, .spare = 9}, {.title = "LATE", .right = true, .spare = 10}};
}

void add_bad_and_late(std::vector<Span>& cells, const Load& load) {
  cells.push_back(count(load.bad, Style::kWarning));
  cells.push_back(count(load.late, Style::kWarning));
}

TopTable stages_table(const TopState& state, bool utf8) {
  TopTable table{.columns = with_load({{.title = "STAGE"}, {.title = "N", .right = true}}, bad_and_late()), .rows = {}};
  const bool running = state.shown_job() != nullptr && state.shown_job()->running;
  for (const StageLoad* stage : state.stages()) {
    std::vector<Span> cells = {plain(stage->name), plain(std::to_string(stage->instances.size()))};
    if (running) add_load(cells, stage->load), add_bad_and_late(cells, stage->load);
    cells.resize(table.columns.size() - 1, plain("-"));
    cells.push_back(plain(sparkline(state.history(state.job(), stage->name), utf8)));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

TopTable instances_table(const TopState& state, bool utf8) {
  TopTable table{
      .columns = with_load({{.title = "INSTANCE", .right = true}, {.title = "PID", .right = true, .spare = 1}},
                           bad_and_late()),
      .rows = {}};
  for (const InstanceLoad* i : state.instances()) {
    std::vector<Span> cells = {plain(std::to_string(i->instance)),
                               i->ended ? Span{"ended", Style::kDim} : plain(std::to_string(i->pid))};
    add_load(cells, i->load);
    add_bad_and_late(cells, i->load);
    cells.push_back(plain(sparkline(state.history(state.job(), state.stage(), i->instance), utf8)));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

TopTable checkpoints_table(const TopState& state) {
  TopTable table{.columns = {{.title = "CHECKPOINT", .right = true},
                             {.title = "STATUS"},
                             {.title = "TRIGGERED", .spare = 1},
                             {.title = "TOOK", .right = true},
                             {.title = "BYTES", .right = true}},
                 .rows = {}};
  for (const CheckpointLine& c : state.details().checkpoints) {
    const Style style = c.status == "aborted" ? Style::kBad : Style::kGood;
    table.rows.push_back({plain(std::to_string(c.epoch)),
                          {c.status, style},
                          plain(local_time(c.triggered_us)),
                          plain(milliseconds(c.duration_us)),
                          plain(format_size(c.bytes))});
  }
  return table;
}

TopTable parts_table(const CheckpointLine& checkpoint) {
  TopTable table{.columns = {{.title = "INSTANCE"},
                             {.title = "DELAY", .right = true},
                             {.title = "ALIGN", .right = true},
                             {.title = "SYNC", .right = true},
                             {.title = "ASYNC", .right = true},
                             {.title = "ROWS", .right = true, .spare = 1},
                             {.title = "BYTES", .right = true}},
                 .rows = {}};
  for (const CheckpointPart& part : checkpoint.parts) {
    table.rows.push_back({plain(part.instance), plain(milliseconds(part.delay_us)),
                          plain(milliseconds(part.alignment_us)), plain(milliseconds(part.sync_us)),
                          plain(milliseconds(part.async_us)), count(static_cast<double>(part.rows)),
                          count(static_cast<double>(part.bytes))});
  }
  return table;
}

TopTable events_table(const TopState& state) {
  TopTable table{.columns = {{.title = "WHEN"}, {.title = "EVENT"}, {.title = "WHAT"}}, .rows = {}};
  for (const EventLine& event : state.details().events) {
    const bool bad = std::ranges::any_of(std::array{"failed", "aborted", "damaged", "rolled-back"},
                                         [&](const char* word) { return event.kind.find(word) != std::string::npos; });
    table.rows.push_back(
        {plain(local_time(event.at_us)), {event.kind, bad ? Style::kBad : Style::kPlain}, plain(event.text)});
  }
  return table;
}

// --- pages --------------------------------------------------------------------------------------------

void title(Drawing& d) {
  const TopState& state = d.state;
  double in = 0;
  std::size_t running = 0;
  for (const JobLoad& job : state.sample().jobs) {
    running += job.running ? 1 : 0;
    in += job.load.records_in;
  }
  const std::size_t ended = state.sample().jobs.size() - running;
  std::string text = "stream top  " + local_time(state.sample().at_us) + "  " + std::to_string(running) +
                     (running == 1 ? " job runs" : " jobs run") + ", " + std::to_string(ended) + " ended  in " +
                     short_number(in) + "/s";
  if (!state.sort_column().empty())
    text += std::string("  by ") + state.sort_column() + (state.descending() ? " v" : " ^");
  d.text(std::move(text), Style::kBold);
}

void job_title(Drawing& d) {
  const JobLoad* job = d.state.shown_job();
  if (job == nullptr) return d.text("There is no job '" + d.state.job() + "' any more.", Style::kWarning);
  const std::string where = d.state.stage().empty() ? job->name : job->name + " / " + d.state.stage();
  std::string text = "  " + age(*job, d.state.sample().at_us) + "  attempt " + std::to_string(job->attempt) +
                     "  restarts " + std::to_string(job->restarts) + "  checkpoint " + std::to_string(job->checkpoint);
  if (job->checkpoint_took > 0) text += " in " + milliseconds(job->checkpoint_took);
  Line line{.spans = {{where + "  ", Style::kBold}, state_name(job->state), plain(std::move(text))}};
  std::size_t room = d.canvas.columns;
  for (Span& span : line.spans) {
    span.text = clip(span.text, room);
    room -= cells_of(span.text);
  }
  d.lines.push_back(std::move(line));
  if (!job->reason.empty()) d.text(job->reason, job->running ? Style::kPlain : Style::kWarning);
}

// The part of a table that the selected row is in; `below`: lines to be left free.
void table(Drawing& d, const TopTable& table, std::size_t below = 0) {
  constexpr std::size_t kHeadAndHint = 2;
  const std::size_t taken = d.lines.size() + kHeadAndHint + below;
  d.state.set_room(std::max<std::size_t>(1, d.canvas.lines - std::min(d.canvas.lines, taken)));
  std::vector<Line> lines = lines_of(table, d.canvas.columns);
  d.lines.push_back(lines[0]);
  const std::size_t first = d.state.first_shown();
  for (std::size_t row = first; row < table.rows.size() && d.lines.size() + below + 1 < d.canvas.lines; ++row) {
    lines[row + 1].selected = row == d.state.selected();
    d.lines.push_back(std::move(lines[row + 1]));
  }
}

void checkpoints(Drawing& d) {
  const auto& all = d.state.details().checkpoints;
  constexpr std::size_t kLeastAbove = 5;
  const std::size_t room = d.canvas.lines - std::min(d.canvas.lines, d.lines.size() + kLeastAbove);
  const std::size_t parts = d.state.selected() < all.size() ? all[d.state.selected()].parts.size() : 0;
  const std::size_t below = parts == 0 ? 0 : std::min(parts + 2, room);
  table(d, checkpoints_table(d.state), below);
  if (below <= 2) return;
  d.text("");
  const std::vector<Line> lines = lines_of(parts_table(all[d.state.selected()]), d.canvas.columns);
  for (std::size_t i = 0; i < lines.size() && d.lines.size() + 1 < d.canvas.lines; ++i) d.lines.push_back(lines[i]);
}

void logs(Drawing& d) {
  const auto& all = d.state.details().logs;
  if (all.empty()) {
    const std::string& stage = d.state.stage();
    return d.text(stage.empty() ? "Nothing has been logged." : "Stage '" + stage + "' has logged nothing lately.");
  }
  d.state.set_room(d.canvas.lines - std::min(d.canvas.lines, d.lines.size() + 1));
  for (std::size_t i = d.state.first_shown(); i < all.size() && d.lines.size() + 1 < d.canvas.lines; ++i) {
    d.lines.push_back(
        {.spans = {{clip(all[i].text, d.canvas.columns), all[i].style}}, .selected = i == d.state.selected()});
  }
}

constexpr const char* kHelp[] = {
    "Keys",
    "  Up Down j k     move              PageUp PageDown  by a screen",
    "  Home End g G    first, last       Enter Right      open the job or stage",
    "  Esc Left        back              q                leave",
    "  < >             sort by the next column            o  other way round",
    "  a               with or without jobs that do not run",
    "  c e l           checkpoints, events, logs of the job",
    "  s               make a savepoint  x                stop with a savepoint",
    "  r               restart from a savepoint; of a job that does not run: resume",
    "",
    "Columns",
    "  IN OUT     records a second: of a job into its sources, into its sinks",
    "  BUSY FULL  share of its time a process works, or waits for room behind it;",
    "             of several the largest: red is what holds the others up",
    "  LAG        how far event time is behind the clock",
    "  TREND      records a second over the last two minutes, the newest on the right",
};

void footer(Drawing& d) {
  constexpr const char* kHint = "Enter open  s savepoint  x stop  r restart  c e l views  <> sort  ? help  q quit";
  while (d.lines.size() + 1 < d.canvas.lines) d.text("");
  d.lines.resize(std::min(d.lines.size(), d.canvas.lines - 1));
  const Span& message = d.state.message();
  if (!d.state.question().empty())
    d.text(d.state.question() + " [y/N]", Style::kWarning);
  else if (!message.text.empty())
    d.text(message.text, message.style);
  else
    d.text(kHint, Style::kDim);
}

void body(Drawing& d) {
  const TopState& state = d.state;
  const bool detailed =
      state.page() == Page::kCheckpoints || state.page() == Page::kEvents || state.page() == Page::kLogs;
  if (detailed && !state.details_known()) return d.text("...");
  switch (state.page()) {
    case Page::kJobs: {
      if (state.jobs().empty()) return d.text("No job yet: 'stream run' starts one.");
      return table(d, jobs_table(state, d.canvas.utf8));
    }
    case Page::kStages: return table(d, stages_table(state, d.canvas.utf8));
    case Page::kInstances: return table(d, instances_table(state, d.canvas.utf8));
    case Page::kCheckpoints: return checkpoints(d);
    case Page::kEvents: return table(d, events_table(state));
    case Page::kLogs: return logs(d);
    case Page::kHelp:
      for (const char* line : kHelp) d.text(line);
  }
}

}  // namespace

std::vector<Line> picture(TopState& state, Canvas canvas) {
  Drawing d{state, canvas, {}};
  if (canvas.lines < 3 || canvas.columns < 10) return {};
  title(d);
  if (!state.sampled()) {
    d.text("...");
  } else {
    if (state.page() != Page::kJobs && state.page() != Page::kHelp) job_title(d);
    body(d);
  }
  footer(d);
  return std::move(d.lines);
}

}  // namespace stream
