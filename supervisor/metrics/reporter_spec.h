// One reporter of metrics, as a manifest has it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "transport/base/clock.h"

namespace stream::metrics {

struct ReporterSpec {
  std::string name = {};
  std::string kind = {};  // of reporter_kinds()
  Microseconds interval = 10'000'000;
  std::vector<std::string> include = {};  // see filter.h
  std::vector<std::string> exclude = {};
  std::vector<std::string> exclude_labels = {};
  std::map<std::string, std::string> labels = {};                // more of them
  std::map<std::string, std::vector<std::string>> options = {};  // of its kind, as written

  friend bool operator==(const ReporterSpec&, const ReporterSpec&) = default;
};

}  // namespace stream::metrics
