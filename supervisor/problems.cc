#include "supervisor/problems.h"

#include <algorithm>

namespace stream {

std::string to_string(const Place& place) {
  if (place.line == 0) return place.file;
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

void Problems::add(Place at, std::string message) { problems_.push_back({std::move(at), std::move(message)}); }

std::vector<Problem> Problems::sorted() const {
  std::vector<Problem> all = problems_;
  std::ranges::stable_sort(all, {}, &Problem::at);
  const auto same = [](const Problem& a, const Problem& b) { return a.at == b.at && a.message == b.message; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
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
