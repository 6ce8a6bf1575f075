#include "supervisor/ha/roll.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace stream::ha {
namespace {

using nlohmann::json;

Result<std::vector<std::string>> names_of(const std::string& text) {
  if (text.empty()) return std::vector<std::string>();
  try {
    const json in = json::parse(text);
    if (in.at("format") != 1) return corrupt("a later version of stream has written the list of jobs");
    return in.at("jobs").get<std::vector<std::string>>();
  } catch (const json::exception& error) {
    return corrupt(std::string("the list of jobs that servers stand ready for is damaged: ") + error.what());
  }
}

}  // namespace

Result<std::vector<std::string>> Roll::jobs() {
  STREAM_ASSIGN(const Entry entry, coordination_->read(Register::kJob));
  return names_of(entry.text);
}

// Whoever is not the first reads what has been written meanwhile, and tries again.
Status Roll::change(const std::function<void(std::vector<std::string>&)>& edit) {
  for (;;) {
    STREAM_ASSIGN(const Entry entry, coordination_->read(Register::kJob));
    STREAM_ASSIGN(const std::vector<std::string> before, names_of(entry.text));
    std::vector<std::string> after = before;
    edit(after);
    if (after == before) return {};
    const std::string text = json{{"format", 1}, {"jobs", after}}.dump();
    STREAM_ASSIGN(const auto version, coordination_->write(Register::kJob, entry.version, text));
    if (version) return {};
  }
}

Status Roll::add(const std::string& job) {
  return change([&](std::vector<std::string>& jobs) {
    const auto at = std::ranges::lower_bound(jobs, job);
    if (at == jobs.end() || *at != job) jobs.insert(at, job);
  });
}

Status Roll::remove(const std::string& job) {
  return change([&](std::vector<std::string>& jobs) { std::erase(jobs, job); });
}

}  // namespace stream::ha
