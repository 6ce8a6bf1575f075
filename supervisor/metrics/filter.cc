#include "supervisor/metrics/filter.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream::metrics {
namespace {

bool any_matches(const std::vector<std::string>& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches(pattern, text); });
}

bool is_kind(const std::string& word) {
  return word == "*" || word == "counter" || word == "gauge" || word == "meter" || word == "histogram";
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == text[t] || pattern[p] == '?')) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool Filter::Rule::applies(std::string_view scope_name, std::string_view name, std::string_view kind) const {
  return matches(scope, scope_name) && any_matches(names, name) && any_matches(kinds, kind);
}

Result<Filter::Rule> Filter::parse_rule(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() > 3 || parts[0].empty()) {
    return usage_error("'" + text + "' is not of the form SCOPE[:NAME,…[:KIND,…]], as 'jobmanager.job:*Checkpoint*'");
  }
  Rule rule{parts[0], {"*"}, {"*"}};
  if (parts.size() > 1) rule.names = split(parts[1], ',');
  if (parts.size() > 2) rule.kinds = split(parts[2], ',');
  for (const std::string& kind : rule.kinds) {
    if (!is_kind(kind))
      return usage_error("'" + kind + "' in '" + text + "' is not counter, gauge, meter or histogram");
  }
  return rule;
}

Result<Filter> Filter::parse(const std::vector<std::string>& include, const std::vector<std::string>& exclude) {
  Filter filter;
  for (const std::string& text : include) {
    STREAM_ASSIGN(Rule rule, parse_rule(text));
    filter.include_.push_back(std::move(rule));
  }
  for (const std::string& text : exclude) {
    STREAM_ASSIGN(Rule rule, parse_rule(text));
    filter.exclude_.push_back(std::move(rule));
  }
  return filter;
}

bool Filter::passes(std::string_view scope, std::string_view name, std::string_view kind) const {
  const auto applies = [&](const Rule& rule) { return rule.applies(scope, name, kind); };
  return (include_.empty() || std::ranges::any_of(include_, applies)) && std::ranges::none_of(exclude_, applies);
}

MetricsSnapshot filtered(MetricsSnapshot snapshot, const Filter& filter, const ReporterSpec& spec) {
  for (MetricGroup& group : snapshot.groups) {
    const std::string_view scope = scope_name(group.scope);
    std::erase_if(group.points,
                  [&](const MetricPoint& point) { return !filter.passes(scope, point.name, kind_name(point.kind)); });
    std::erase_if(group.variables, [&](const Variable& variable) {
      return std::ranges::find(spec.exclude_labels, variable.first) != spec.exclude_labels.end();
    });
    for (const auto& [name, value] : spec.labels) {
      const auto it = std::ranges::find(group.variables, name, &Variable::first);
      if (it == group.variables.end())
        group.variables.emplace_back(name, value);
      else
        it->second = value;
    }
  }
  std::erase_if(snapshot.groups, [](const MetricGroup& group) { return group.points.empty(); });
  return snapshot;
}

}  // namespace stream::metrics
