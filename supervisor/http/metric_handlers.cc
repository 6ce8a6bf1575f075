#include <algorithm>
#include <cmath>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/hosts.h"
#include "supervisor/http/metrics.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

std::vector<std::string> list_of(const Call& call, std::string_view name) {
  std::vector<std::string> out;
  for (const std::string& part : split(call.value(name), ',')) {
    if (!part.empty()) out.push_back(part);
  }
  return out;
}

// Without `get` the names alone, with it the values of those that there are: what is not known is left out.
Answer metrics_answer(const Call& call, const std::vector<MetricValue>& all) {
  const std::vector<std::string> wanted = list_of(call, "get");
  Json out = Json::array();
  for (const MetricValue& metric : all) {
    if (!call.query.contains("get"))
      out.push_back({{"id", metric.id}});
    else if (std::ranges::find(wanted, metric.id) != wanted.end())
      out.push_back({{"id", metric.id}, {"value", metric_text(metric.value)}});
  }
  return answer_with(out);
}

using Values = std::map<std::string, std::vector<double>>;

void collect(const std::vector<MetricValue>& metrics, Values& values) {
  for (const MetricValue& metric : metrics) values[metric.id].push_back(metric.value);
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

// The coefficient of variation, in percent.
double skew_of(const std::vector<double>& values) {
  const double mean = sum_of(values) / static_cast<double>(values.size());
  if (mean == 0) return 0;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size())) / std::abs(mean) * 100;
}

Json aggregated(const std::string& id, const std::vector<double>& values, const std::vector<std::string>& how) {
  const std::pair<const char*, double> all[] = {{"min", *std::ranges::min_element(values)},
                                                {"max", *std::ranges::max_element(values)},
                                                {"avg", sum_of(values) / static_cast<double>(values.size())},
                                                {"sum", sum_of(values)},
                                                {"skew", skew_of(values)}};
  Json out = {{"id", id}};
  for (const auto& [name, value] : all) {
    if (how.empty() || std::ranges::find(how, name) != how.end()) out[name] = value;
  }
  return out;
}

Answer aggregated_answer(const Call& call, const Values& values) {
  const std::vector<std::string> wanted = list_of(call, "get");
  std::vector<std::string> how = list_of(call, "agg");
  for (std::string& word : how) {
    word = lower(word);
    const std::vector<std::string> known = {"min", "max", "avg", "sum", "skew"};
    if (std::ranges::find(known, word) == known.end())
      return refuse(400, "'agg' knows no '" + word + "'; it takes " + join(known, ", "));
  }
  Json out = Json::array();
  for (const auto& [id, all] : values) {
    if (!call.query.contains("get"))
      out.push_back({{"id", id}});
    else if (std::ranges::find(wanted, id) != wanted.end())
      out.push_back(aggregated(id, all, how));
  }
  return answer_with(out);
}

// "1,3,5-9"
Result<std::vector<std::size_t>> subtasks_of(const Call& call, std::size_t count) {
  std::vector<std::size_t> out;
  if (!call.query.contains("subtasks")) {
    for (std::size_t i = 0; i < count; ++i) out.push_back(i);
    return out;
  }
  for (const std::string& part : list_of(call, "subtasks")) {
    const std::size_t dash = part.find('-');
    const auto first = parse_integer(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_integer(part.substr(dash + 1));
    if (!first.ok() || !last.ok() || *first < 0 || *last < *first || static_cast<std::size_t>(*last) >= count)
      return usage_error("'subtasks' holds '" + part + "', which is no subtask and no range of 0 to " +
                         std::to_string(count - 1) + "; one is 1,3,5-9");
    for (auto i = static_cast<std::size_t>(*first); i <= static_cast<std::size_t>(*last); ++i) out.push_back(i);
  }
  return out;
}

const std::string& stage_of(const Call& call) { return call.plan->pipeline.stages[call.stage].name; }

}  // namespace

Answer get_server_metrics(Call& call) {
  double running = 0;
  for (const std::string& name : call.jobs.names()) {
    const auto summary = call.jobs.summary(name);
    running += summary.ok() && !facts_of(**summary, call.site.now_ms).over ? 1 : 0;
  }
  std::vector<MetricValue> all = machine_metrics();
  // What each supervisor says of its own job, here said of all.
  std::erase_if(all, [](const MetricValue& metric) {
    return metric.id == "numRunningJobs" || metric.id == "numRegisteredTaskManagers";
  });
  all.push_back({"numRunningJobs", running});
  all.push_back({"numRegisteredTaskManagers", static_cast<double>(hosts_in_use(call).size())});
  return metrics_answer(call, all);
}

Answer get_job_metrics(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson groups, call.jobs.metrics(call.job.name));
  return metrics_answer(call, job_metrics(*groups));
}

Answer get_jobs_metrics(Call& call) {
  const std::vector<std::string> wanted = list_of(call, "jobs");
  Values values;
  for (const std::string& name : call.jobs.names()) {
    const auto summary = call.jobs.summary(name);
    if (!summary.ok()) continue;
    const bool meant = wanted.empty() || std::ranges::find(wanted, text_of(**summary, "id")) != wanted.end();
    if (!meant) continue;
    const auto groups = call.jobs.metrics(name);
    if (groups.ok()) collect(job_metrics(**groups), values);
  }
  return aggregated_answer(call, values);
}

Answer get_vertex_metrics(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson groups, call.jobs.metrics(call.job.name));
  std::vector<MetricValue> all;
  for (std::size_t i = 0; i < call.plan->stages[call.stage].parallelism; ++i) {
    for (MetricValue& metric : instance_metrics(*groups, stage_of(call), i))
      all.push_back({std::to_string(i) + "." + metric.id, metric.value});
  }
  return metrics_answer(call, all);
}

Answer get_stage_metrics(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson groups, call.jobs.metrics(call.job.name));
  return metrics_answer(call, stage_metrics(*groups, stage_of(call)));
}

Answer get_subtask_metrics(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson groups, call.jobs.metrics(call.job.name));
  return metrics_answer(call, instance_metrics(*groups, stage_of(call), call.subtask));
}

Answer get_subtasks_metrics(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson groups, call.jobs.metrics(call.job.name));
  STREAM_HTTP_ASSIGN(const auto subtasks, subtasks_of(call, call.plan->stages[call.stage].parallelism));
  Values values;
  for (const std::size_t i : subtasks) collect(instance_metrics(*groups, stage_of(call), i), values);
  return aggregated_answer(call, values);
}

namespace {

// Each supervisor tells of its own instances: a host has those of all.
std::vector<MetricValue> metrics_of(Call& call, const HostUse& host) {
  std::map<std::string, double> sums;
  for (const HostJob& job : host.jobs) {
    const auto groups = call.jobs.metrics(job.name);
    if (!groups.ok()) continue;
    for (const MetricValue& metric : host_metrics(**groups, host_id(host.path))) sums[metric.id] += metric.value;
  }
  std::vector<MetricValue> out;
  for (const auto& [id, value] : sums) out.push_back({id, value});
  return out;
}

}  // namespace

Answer get_host_metrics(Call& call) {
  STREAM_HTTP_ASSIGN(const HostUse host, named_host(call));
  return metrics_answer(call, metrics_of(call, host));
}

Answer get_hosts_metrics(Call& call) {
  const std::vector<std::string> wanted = list_of(call, "taskmanagers");
  Values values;
  for (const HostUse& host : hosts_in_use(call)) {
    const bool meant = wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& id) {
                         return id == host_id(host.path) || id == host.path;
                       });
    if (meant) collect(metrics_of(call, host), values);
  }
  return aggregated_answer(call, values);
}

}  // namespace stream::http
