// Which metrics a reporter sends: SCOPE[:NAME,…[:KIND,…]], where '*' stands for anything, '?' for a character.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/metrics/reporter_spec.h"
#include "supervisor/metrics/snapshot.h"
#include "transport/base/status.h"

namespace stream::metrics {

bool matches(std::string_view pattern, std::string_view text);  // '*' = any characters, or none; '?' = one

class Filter {
 public:
  // Errors: kUsage.
  static Result<Filter> parse(const std::vector<std::string>& include, const std::vector<std::string>& exclude);

  bool passes(std::string_view scope, std::string_view name, std::string_view kind) const;

 private:
  struct Rule {
    std::string scope;
    std::vector<std::string> names;
    std::vector<std::string> kinds;
    bool applies(std::string_view scope_name, std::string_view name, std::string_view kind) const;
  };
  static Result<Rule> parse_rule(const std::string& text);

  std::vector<Rule> include_;
  std::vector<Rule> exclude_;
};

// What is left of the snapshot for the reporter, with its labels. Groups without metrics are gone.
MetricsSnapshot filtered(MetricsSnapshot snapshot, const Filter& filter, const ReporterSpec& spec);

}  // namespace stream::metrics
