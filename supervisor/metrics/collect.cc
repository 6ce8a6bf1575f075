#include <algorithm>
#include <map>

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {
namespace {

using Instances = std::vector<const InstanceView*>;

class Collector {
 public:
  explicit Collector(const MetricsView& view) : view_(view) {
    out_.at_us = view.at_us;
    out_.host = view.host;
    out_.job = view.job;
    out_.spans = view.totals.spans;
    out_.events = view.totals.events;
    for (const InstanceView& instance : view.instances) {
      if (instance.running) running_.push_back(&instance);
    }
  }

  MetricsSnapshot collect() {
    add(Scope::kSupervisor, {view_}, of_host(), {view_.host, "jobmanager"});
    for (const ReporterView& reporter : view_.reporters) {
      std::vector<Variable> variables = of_host();
      variables.emplace_back("reporter", reporter.name);
      add(Scope::kReporter, {.view = view_, .reporter = &reporter}, std::move(variables),
          {view_.host, "jobmanager", "reporter", reporter.name});
    }
    add(Scope::kJob, {view_}, of_job(of_host()), {view_.host, "jobmanager", view_.job});
    for (const auto& [host, instances] : by_host()) {
      add(Scope::kHost, {.view = view_, .instances = instances}, of_task_manager(host),
          {host.first, "taskmanager", host.second});
    }
    for (std::size_t stage = 0; stage < view_.stages.size(); ++stage) add_stage(stage);
    return std::move(out_);
  }

 private:
  std::vector<Variable> of_host() const { return {{"host", view_.host}}; }
  using Host = std::pair<std::string, std::string>;  // name, id
  Host host_of(const InstanceView& instance) const {
    return instance.host.empty() ? Host(view_.host, view_.host_id) : Host(instance.host, instance.host_id);
  }
  std::map<Host, Instances> by_host() const {
    std::map<Host, Instances> hosts;
    for (const InstanceView* instance : running_) hosts[host_of(*instance)].push_back(instance);
    return hosts;
  }
  static std::vector<Variable> of_task_manager(const Host& host) {
    return {{"host", host.first}, {"tm_id", host.second}};
  }
  std::vector<Variable> of_job(std::vector<Variable> variables) const {
    variables.emplace_back("job_id", view_.job_id);
    variables.emplace_back("job_name", view_.job);
    return variables;
  }

  void add_stage(std::size_t number) {
    const StageView& stage = view_.stages[number];
    Instances all;
    std::ranges::copy_if(running_, std::back_inserter(all), [&](const auto* i) { return i->stage == number; });
    if (all.empty()) return;
    std::vector<Variable> variables = of_job(of_host());
    variables.emplace_back("operator_id", stage.id);
    variables.emplace_back("operator_name", stage.name);
    add(Scope::kStage, {.view = view_, .instances = all, .stage = &stage}, std::move(variables),
        {view_.host, "jobmanager", view_.job, stage.name});
    for (const InstanceView* instance : all) add_instance(stage, *instance);
  }

  void add_instance(const StageView& stage, const InstanceView& instance) {
    const InstanceView* const one[] = {&instance};
    const Subject subject{.view = view_, .instances = one, .stage = &stage};
    if (instance.latency_ms.count > 0) add_latency(stage, instance, subject);
    const Host host = host_of(instance);
    std::vector<Variable> variables = of_job(of_task_manager(host));
    variables.emplace_back("task_id", stage.id);
    variables.emplace_back("task_name", stage.name);
    variables.emplace_back("task_attempt_num", std::to_string(instance.attempt));
    variables.emplace_back("subtask_index", std::to_string(instance.index));
    const std::vector<std::string> components = {host.first, "taskmanager", host.second,
                                                 view_.job,  stage.name,    std::to_string(instance.index)};
    add(Scope::kTask, subject, variables, components);
    variables.emplace_back("operator_id", stage.id);
    variables.emplace_back("operator_name", stage.name);
    add(Scope::kOperator, subject, std::move(variables), components);
    add_users(instance, out_.groups.back());
  }

  // Flink's latency markers, told apart by operator and instance, not by source.
  void add_latency(const StageView& stage, const InstanceView& instance, const Subject& subject) {
    const std::string index = std::to_string(instance.index);
    const Host host = host_of(instance);
    std::vector<Variable> variables = of_job(of_task_manager(host));
    variables.emplace_back("operator_id", stage.id);
    variables.emplace_back("operator_subtask_index", index);
    add(Scope::kLatency, subject, std::move(variables),
        {host.first, "taskmanager", host.second, view_.job, "latency", "operator_id", stage.id,
         "operator_subtask_index", index});
  }

  // In a second, over the time between the two newest reports that are a second apart.
  static double rate_of(const InstanceView& instance, const std::string& name, std::int64_t events) {
    const auto before = instance.earlier.user_meters.find(name);
    const std::int64_t known = before == instance.earlier.user_meters.end() ? 0 : before->second;
    const Microseconds elapsed = instance.stats.total_us - instance.earlier.total_us;
    return elapsed <= 0 || events < known ? 0
                                          : static_cast<double>(events - known) * 1e6 / static_cast<double>(elapsed);
  }

  // What the user's own code counts. A name that is taken stays with what had it first, as in Flink.
  static void add_users(const InstanceView& instance, MetricGroup& group) {
    const InstanceStats& stats = instance.stats;
    const auto taken = [&](const std::string& name) {
      return std::ranges::find(group.points, name, &MetricPoint::name) != group.points.end();
    };
    for (const auto& [name, value] : stats.user_counters) {
      if (!taken(name)) group.points.push_back({name, Kind::kCounter, nullptr, static_cast<double>(value)});
    }
    for (const auto& [name, value] : stats.user_gauges) {
      if (!taken(name)) group.points.push_back({name, Kind::kGauge, nullptr, value});
    }
    for (const auto& [name, events] : stats.user_meters) {
      if (taken(name)) continue;
      const double rate = rate_of(instance, name, events);
      group.points.push_back({name, Kind::kMeter, nullptr, rate, static_cast<std::uint64_t>(events)});
    }
    for (const auto& [name, histogram] : stats.user_histograms) {
      if (!taken(name)) group.points.push_back({name, Kind::kHistogram, nullptr, 0, histogram.count, histogram});
    }
  }

  void add(Scope scope, const Subject& subject, std::vector<Variable> variables, std::vector<std::string> components) {
    MetricGroup group{scope, std::move(variables), std::move(components), {}};
    for (const MetricDefinition& definition : metric_table()) {
      if (!definition.in(scope)) continue;
      const auto reading = definition.read(subject);
      if (!reading) continue;
      MetricPoint point{std::string(definition.name), definition.kind, &definition, reading->value, reading->count};
      if (reading->histogram != nullptr) point.histogram = *reading->histogram;
      group.points.push_back(std::move(point));
    }
    out_.groups.push_back(std::move(group));
  }

  const MetricsView& view_;
  Instances running_;
  MetricsSnapshot out_;
};

}  // namespace

MetricsSnapshot collect(const MetricsView& view) { return Collector(view).collect(); }

}  // namespace stream::metrics
