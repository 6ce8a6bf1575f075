#include "supervisor/problems.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream {

std::string to_string(const Place& place) {
  if (place.line == 0) return place.file;
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

void Problems::add(Place at, std::string message) { problems_.push_back({std::move(at), std::move(message)}); }

void Problems::included(const std::string& file, const std::string& how) { included_[file].push_back(how); }

std::vector<Problem> Problems::sorted() const {
  std::vector<Problem> all = problems_;
  std::ranges::stable_sort(all, {}, &Problem::at);
  const auto same = [](const Problem& a, const Problem& b) { return a.at == b.at && a.message == b.message; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  for (Problem& problem : all) {
    const auto how = included_.find(problem.at.file);
    if (how != included_.end()) problem.message += " (" + join(how->second, ", ") + ")";
  }
  return all;
}

std::string Problems::text() const {
  std::string out;
  for (const Problem& problem : sorted()) {
    if (!out.empty()) out += "\n";
    const std::string place = to_string(problem.at);
    out += place.empty() ? problem.message : place + ": " + problem.message;
  }
  return out;
}

Status Problems::status() const { return empty() ? Status() : usage_error(text()); }

}  // namespace stream
