#include "supervisor/metrics/formats.h"
#include "supervisor/metrics/numbers.h"

namespace stream::metrics {
namespace {

std::string variable(const MetricGroup& group, std::string_view name) {
  for (const auto& [key, value] : group.variables) {
    if (key == name) return value;
  }
  return "";
}

std::string subject_of(const MetricGroup& group) {
  switch (group.scope) {
    case Scope::kSupervisor: return "supervisor";
    case Scope::kReporter: return "reporter " + variable(group, "reporter");
    case Scope::kJob: return "job " + variable(group, "job_name");
    case Scope::kStage: return "stage " + variable(group, "operator_name");
    case Scope::kHost: return "host " + variable(group, "host");
    case Scope::kLatency:
      return "operator " + variable(group, "operator_id") + "." + variable(group, "operator_subtask_index");
    case Scope::kTask:
    case Scope::kOperator: break;
  }
  return variable(group, "task_name") + "." + variable(group, "subtask_index") +
         (group.scope == Scope::kOperator ? " (operator)" : "");
}

}  // namespace

std::vector<std::string> log_lines(const MetricsSnapshot& snapshot) {
  std::vector<std::string> lines;
  for (const MetricGroup& group : snapshot.groups) {
    std::string line = "metrics of " + subject_of(group) + ":";
    for (const MetricPoint& point : group.points) {
      line += " " + point.name + "=";
      if (point.kind != Kind::kHistogram) {
        append_number(line, point.value);
        continue;
      }
      std::string parts;
      for (const auto& [part, value] : parts_of(point.histogram)) {
        parts += (parts.empty() ? "" : ",") + std::string(part) + ":" + number_text(value);
      }
      line += "{" + parts + "}";
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace stream::metrics
