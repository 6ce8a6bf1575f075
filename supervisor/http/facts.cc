#include "supervisor/http/facts.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "supervisor/percentile.h"

namespace stream::http {
namespace {

// STOPPED is what Flink calls FINISHED after a stop with a savepoint; of a job whose supervisor was killed it says
// SUSPENDED: another may go on with it.
struct Word {
  std::string_view ours;
  std::string_view status;
  std::string_view task;
};
constexpr std::array kWords = {
    Word{"STARTING", "INITIALIZING", "INITIALIZING"},
    Word{"RUNNING", "RUNNING", "RUNNING"},
    Word{"RESTARTING", "RESTARTING", "SCHEDULED"},
    Word{"STOPPING", "RUNNING", "RUNNING"},
    Word{"RESCALING", "RUNNING", "RUNNING"},
    Word{"STOPPED", "FINISHED", "FINISHED"},
    Word{"FINISHED", "FINISHED", "FINISHED"},
    Word{"CANCELLED", "CANCELED", "CANCELED"},
    Word{"FAILED", "FAILED", "FAILED"},
    Word{"DEAD", "SUSPENDED", "CANCELED"},
    Word{"STANDBY", "INITIALIZING", "INITIALIZING"},
};

constexpr std::array kTaskStates = {"CREATED",   "SCHEDULED", "DEPLOYING", "RUNNING",     "FINISHED",
                                    "CANCELING", "CANCELED",  "FAILED",    "RECONCILING", "INITIALIZING"};

const Word& word_of(std::string_view state) {
  const auto* at = std::ranges::find(kWords, state, &Word::ours);
  return at == kWords.end() ? kWords[0] : *at;
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

std::int64_t whole(double value) { return static_cast<std::int64_t>(std::llround(value)); }

}  // namespace

Json throwable(const std::string& why) {
  return {{"class", "stream.Failed"}, {"stack-trace", why}, {"serialized-throwable", ""}};
}

std::int64_t number_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number() ? at->get<std::int64_t>() : 0;
}

double real_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number() ? at->get<double>() : 0;
}

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

std::int64_t milliseconds(const Json& object, const char* key_us) { return number_of(object, key_us) / 1000; }

JobFacts facts_of(const Json& summary, std::int64_t now_ms) {
  JobFacts facts;
  facts.state = text_of(summary, "state");
  facts.status = word_of(facts.state).status;
  const auto pid = summary.find("supervisor_pid");
  facts.over = pid == summary.end() || pid->is_null();
  facts.start_ms = milliseconds(summary, "submitted_us");
  facts.attempt = number_of(summary, "attempt");
  const std::int64_t ended_ms = milliseconds(summary, "ended_us");
  if (facts.over && ended_ms >= facts.start_ms) facts.end_ms = ended_ms;
  facts.duration_ms = std::max<std::int64_t>(0, (facts.end_ms < 0 ? now_ms : facts.end_ms) - facts.start_ms);
  return facts;
}

std::string_view task_state(const JobFacts& facts) { return word_of(facts.state).task; }

std::string_view ended_task_state(std::string_view outcome) {
  if (outcome == "finished" || outcome == "stopped") return "FINISHED";
  return outcome == "failed" || outcome == "lost" ? "FAILED" : "CANCELED";
}

bool is_of_run(const Json& record, const Json& summary) {
  const std::string run = text_of(record, "run");
  return run.empty() || run == text_of(summary, "run");
}

Json task_counts(std::string_view state, std::uint32_t count) {
  Json counts = Json::object();
  for (const char* name : kTaskStates) counts[name] = name == state ? count : 0;
  return counts;
}

const Json& instance_of(const Json& stats, const std::string& stage, std::size_t instance) {
  static const Json kNone;
  const auto all = stats.find("instances");
  if (all == stats.end()) return kNone;
  for (const Json& one : *all) {
    if (text_of(one, "stage") == stage && number_of(one, "instance") == static_cast<std::int64_t>(instance)) return one;
  }
  return kNone;
}

std::int64_t first_start_ms(const Json& stats, const std::string& stage, std::uint32_t parallelism,
                            const JobFacts& facts) {
  std::int64_t first = 0;
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    const Json& instance = instance_of(stats, stage, i);
    const std::int64_t at = instance.is_object() ? milliseconds(instance, "started_us") : 0;
    if (at > 0 && (first == 0 || at < first)) first = at;
  }
  return first == 0 ? facts.start_ms : first;
}

void IoSums::add(const Json& instance) {
  if (!instance.is_object()) {
    complete_ = false;
    return;
  }
  bytes_in_ += number_of(instance, "bytes_in");
  bytes_out_ += number_of(instance, "bytes_out");
  records_in_ += number_of(instance, "records_in");
  records_out_ += number_of(instance, "records_out");
  full_us_ += number_of(instance, "backpressured_us");
  idle_us_ += number_of(instance, "idle_us");
  running_us_ += number_of(instance, "running_us");
}

Json IoSums::json() const {
  const std::int64_t busy_us = std::max<std::int64_t>(0, running_us_ - full_us_ - idle_us_);
  return {{"read-bytes", bytes_in_},
          {"read-bytes-complete", complete_},
          {"write-bytes", bytes_out_},
          {"write-bytes-complete", complete_},
          {"read-records", records_in_},
          {"read-records-complete", complete_},
          {"write-records", records_out_},
          {"write-records-complete", complete_},
          {"accumulated-backpressured-time", full_us_ / 1000},
          {"accumulated-idle-time", idle_us_ / 1000},
          {"accumulated-busy-time", static_cast<double>(busy_us) / 1000}};
}

void Accumulators::add(const Json& instance) {
  if (!instance.is_object()) return;
  const auto counters = instance.find("user_counters");
  if (counters == instance.end() || !counters->is_object()) return;
  for (const auto& [name, value] : counters->items()) counted_[name] += value.get<std::int64_t>();
}

Json Accumulators::json() const {
  Json out = Json::array();
  for (const auto& [name, value] : counted_)
    out.push_back({{"name", name}, {"type", "LongCounter"}, {"value", std::to_string(value)}});
  return out;
}

Json statistics(std::vector<double> values) {
  std::ranges::sort(values);
  Json out = {{"min", values.empty() ? 0 : whole(values.front())},
              {"max", values.empty() ? 0 : whole(values.back())},
              {"avg", values.empty() ? 0 : whole(sum_of(values) / static_cast<double>(values.size()))}};
  for (const auto& [name, share] : kPercentiles) out[name] = percentile(values, share);
  return out;
}

Json whole_statistics(std::vector<double> values) {
  std::ranges::sort(values);
  Json out = {{"min", values.empty() ? 0 : whole(values.front())},
              {"max", values.empty() ? 0 : whole(values.back())},
              {"avg", values.empty() ? 0 : whole(sum_of(values) / static_cast<double>(values.size()))},
              {"sum", whole(sum_of(values))}};
  constexpr std::pair<const char*, double> kShares[] = {{"median", 0.5}, {"p25", 0.25}, {"p75", 0.75}, {"p95", 0.95}};
  for (const auto& [name, share] : kShares) out[name] = whole(percentile(values, share));
  return out;
}

}  // namespace stream::http
