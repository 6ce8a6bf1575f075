#include "compare/performance.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::optional<double> quotient(std::uint64_t records, Microseconds time) {
  if (time <= 0 || records == 0) return std::nullopt;
  return static_cast<double>(records) * 1e6 / static_cast<double>(time);
}

std::optional<Microseconds> median(std::vector<Microseconds> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::optional<Microseconds> greatest(const std::vector<Microseconds>& values) {
  return values.empty() ? std::nullopt : std::optional(*std::ranges::max_element(values));
}

// "errors" of "errors.0"
std::string stage_of(const std::string& instance) { return instance.substr(0, instance.rfind('.')); }

// When the barrier had come through to the last sink.
std::optional<Microseconds> latency_of(const json& checkpoint, const std::set<std::string>& sinks) {
  std::optional<Microseconds> latest;
  const json detail = checkpoint.value("detail", json());
  if (!detail.is_array()) return latest;
  for (const json& instance : detail) {
    if (!sinks.contains(stage_of(instance.value("instance", "")))) continue;
    const auto us = std::max<Microseconds>(
        0, instance.value("start_delay_us", Microseconds{0}) + instance.value("alignment_us", Microseconds{0}));
    latest = std::max(latest.value_or(0), us);
  }
  return latest;
}

// --- how figures are shown -------------------------------------------------------------------------

std::string short_count(double value) {
  const char* unit = "";
  for (const char* next : {"k", "M", "G"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, *unit != 0 && value < 100 ? "%.1f%s" : "%.0f%s", value, unit);
  return text;
}

std::string seconds(double us) {
  char text[32];
  if (us < 1e6)
    std::snprintf(text, sizeof text, "%.1fms", us / 1e3);
  else
    std::snprintf(text, sizeof text, "%.2fs", us / 1e6);
  return text;
}

std::string size(double bytes) { return format_size(static_cast<std::uint64_t>(bytes)); }

using Figure = std::optional<double>;

struct ShownFigure {
  const char* what;
  std::function<Figure(const RunFigures&)> of;
  std::string (*show)(double);
  bool often_zero = false;  // then both zero is nothing to show
};

template <class T>
Figure real(const std::optional<T>& value) {
  return value ? Figure(static_cast<double>(*value)) : std::nullopt;
}
Figure count(std::uint64_t value) { return static_cast<double>(value); }

const std::vector<ShownFigure>& shown_figures() {
  using F = RunFigures;
  static const std::vector<ShownFigure> all = {
      {"rows from sources", [](const F& f) { return count(f.records); }, short_count},
      {"elapsed", [](const F& f) { return Figure(static_cast<double>(f.elapsed_us)); }, seconds},
      {"rows/s", [](const F& f) { return f.rate(); }, short_count},
      {"CPU time", [](const F& f) { return real(f.cpu_us); }, seconds},
      {"rows/s per core", [](const F& f) { return f.rate_per_core(); }, short_count},
      {"latency, median", [](const F& f) { return real(f.latency_us); }, seconds},
      {"latency, most", [](const F& f) { return real(f.latency_max_us); }, seconds},
      {"memory, most", [](const F& f) { return count(f.memory_bytes); }, size},
      {"state rows, most", [](const F& f) { return count(f.state_rows); }, short_count, true},
      {"state, most", [](const F& f) { return count(f.state_bytes); }, size, true},
      {"checkpoints", [](const F& f) { return count(f.checkpoints); }, short_count},
      {"checkpoint, median", [](const F& f) { return real(f.checkpoint_us); }, seconds},
      {"checkpoint, most", [](const F& f) { return real(f.checkpoint_max_us); }, seconds},
      {"bad records", [](const F& f) { return count(f.bad_records); }, short_count, true},
      {"late records", [](const F& f) { return count(f.late_records); }, short_count, true},
      {"restarts", [](const F& f) { return count(f.restarts); }, short_count, true},
  };
  return all;
}

std::string ratio(const Figure& a, const Figure& b) {
  if (!a || !b || *a == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", *b / *a);
  return text;
}

template <class T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

}  // namespace

std::optional<double> RunFigures::rate() const { return quotient(records, elapsed_us); }
std::optional<double> RunFigures::rate_per_core() const { return cpu_us ? quotient(records, *cpu_us) : std::nullopt; }

void RunMeter::add(const json& stats, const std::map<int, Microseconds>& cpu_us) {
  const json& job = stats["job"];
  const auto attempt = job.value("attempt", std::uint64_t{0});
  if (samples_ > 0 && attempt != attempt_) {  // counters began anew
    earlier_records_ += records_ - first_records_;
    earlier_running_us_ += running_us_ - first_running_us_;
    first_records_ = 0;
    first_running_us_ = 0;
  }
  attempt_ = attempt;
  std::uint64_t records = 0;
  std::uint64_t memory = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  running_us_ = 0;
  for (const json& instance : stats["instances"]) {
    if (stages_.sources.contains(instance.value("stage", "")))
      records += instance.value("records_out", std::uint64_t{0});
    running_us_ = std::max(running_us_, instance.value("running_us", Microseconds{0}));
    memory += instance.value("resident_bytes", std::uint64_t{0});
    rows += instance.value("state_rows", std::uint64_t{0});
    bytes += instance.value("state_bytes", std::uint64_t{0});
  }
  records_ = records;
  if (samples_++ == 0 && !from_start_) {
    first_records_ = records_;
    first_running_us_ = running_us_;
  }
  for (const auto& [pid, us] : cpu_us) {
    const bool began_before = samples_ == 1 && !from_start_;
    const auto [it, is_new] = processes_.try_emplace(pid, Process{began_before ? us : 0, us});
    it->second.last_us = us;
  }
  if (stats.contains("checkpoint")) take(stats["checkpoint"]);
  figures_.state = job.value("state", "");
  figures_.restarts = job.value("restarts", std::uint64_t{0});
  figures_.bad_records = job.value("bad_records", std::uint64_t{0});
  figures_.late_records = job.value("late_records", std::uint64_t{0});
  figures_.memory_bytes = std::max(figures_.memory_bytes, memory);
  figures_.state_rows = std::max(figures_.state_rows, rows);
  figures_.state_bytes = std::max(figures_.state_bytes, bytes);
}

void RunMeter::add_checkpoints(const json& list) {
  for (const json& checkpoint : list) take(checkpoint);
}

void RunMeter::take(const json& checkpoint) {
  const std::string status = checkpoint.value("status", "");
  if (status != "complete" && status != "committed") return;
  checkpoints_[checkpoint.value("epoch", std::uint64_t{0})] = {checkpoint.value("duration_us", Microseconds{0}),
                                                               latency_of(checkpoint, stages_.sinks)};
}

RunFigures RunMeter::figures() const {
  RunFigures figures = figures_;
  std::vector<Microseconds> durations;
  std::vector<Microseconds> latencies;
  for (const auto& [epoch, checkpoint] : checkpoints_) {
    durations.push_back(checkpoint.duration_us);
    if (checkpoint.latency_us) latencies.push_back(*checkpoint.latency_us);
  }
  figures.checkpoints = durations.size();
  figures.checkpoint_us = median(durations);
  figures.checkpoint_max_us = greatest(durations);
  figures.latency_us = median(latencies);
  figures.latency_max_us = greatest(latencies);
  figures.records = earlier_records_ + records_ - first_records_;
  figures.elapsed_us = earlier_running_us_ + running_us_ - first_running_us_;
  figures.cpu_us = total_cpu_us_;
  if (!total_cpu_us_ && !processes_.empty()) {
    figures.cpu_us = 0;
    for (const auto& [pid, process] : processes_) *figures.cpu_us += process.last_us - process.first_us;
  }
  return figures;
}

std::vector<std::array<std::string, 4>> performance_rows(const RunFigures& a, const RunFigures& b) {
  std::vector<std::array<std::string, 4>> rows;
  for (const ShownFigure& figure : shown_figures()) {
    const Figure in_a = figure.of(a);
    const Figure in_b = figure.of(b);
    const bool nothing = figure.often_zero && in_a.value_or(0) == 0 && in_b.value_or(0) == 0;
    if ((!in_a && !in_b) || nothing) continue;
    rows.push_back({figure.what, in_a ? figure.show(*in_a) : "-", in_b ? figure.show(*in_b) : "-", ratio(in_a, in_b)});
  }
  return rows;
}

ordered_json to_json(const RunFigures& figures) {
  return {{"state", figures.state},
          {"elapsed_us", figures.elapsed_us},
          {"records", figures.records},
          {"records_per_second", or_null(figures.rate())},
          {"cpu_us", or_null(figures.cpu_us)},
          {"records_per_core_second", or_null(figures.rate_per_core())},
          {"latency_us", or_null(figures.latency_us)},
          {"latency_max_us", or_null(figures.latency_max_us)},
          {"memory_bytes", figures.memory_bytes},
          {"state_rows", figures.state_rows},
          {"state_bytes", figures.state_bytes},
          {"checkpoints", figures.checkpoints},
          {"checkpoint_us", or_null(figures.checkpoint_us)},
          {"checkpoint_max_us", or_null(figures.checkpoint_max_us)},
          {"bad_records", figures.bad_records},
          {"late_records", figures.late_records},
          {"restarts", figures.restarts}};
}

}  // namespace stream
