#include "cli/savepoint_list.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/table.h"
#include "storage/place.h"
#include "supervisor/job_client.h"
#include "supervisor/savepoint_rules.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

// "3d", "5h", "12m", "40s": one unit is enough to tell old from new.
std::string age_text(Microseconds age) {
  constexpr std::pair<Microseconds, char> kUnits[] = {{86'400'000'000, 'd'}, {3'600'000'000, 'h'}, {60'000'000, 'm'}};
  for (const auto& [unit, letter] : kUnits) {
    if (age >= unit) return std::to_string(age / unit) + letter;
  }
  return std::to_string(std::max<Microseconds>(0, age) / 1'000'000) + "s";
}

// Storage is not asked: that may take a while.
bool is_there(const std::string& path) {
  if (is_object_url(path)) return true;
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

class SavepointCatalogue {
 public:
  SavepointCatalogue(bool one_job, bool as_json) : as_json_(as_json), one_job_(one_job) {}

  void add(const std::string& job, json savepoint) {
    const auto path = savepoint["path"].get<std::string>();
    savepoint["job"] = job;
    savepoint["there"] = is_there(path);
    if (as_json_) return (void)std::printf("%s\n", savepoint.dump().c_str());
    const auto bytes = savepoint["bytes"].get<std::uint64_t>();
    const auto created = savepoint["created_us"].get<Microseconds>();
    std::vector<std::string> cells = {std::to_string(savepoint["epoch"].get<std::uint64_t>()),
                                      local_time(created),
                                      age_text(system_clock().wall_us() - created),
                                      bytes == 0 ? "-" : format_size(bytes),
                                      savepoint["written_by"].get<std::string>(),
                                      savepoint["label"].get<std::string>(),
                                      savepoint["note"].get<std::string>(),
                                      savepoint["there"].get<bool>() ? path : path + " (gone)"};
    if (!one_job_) cells.insert(cells.begin(), job);
    table_.add(std::move(cells));
  }

  void finish() const {
    if (!as_json_) std::fputs(table_.text().c_str(), stdout);
  }

 private:
  std::vector<std::string> headers() const {
    std::vector<std::string> names = {">EPOCH", "CREATED", ">AGE", ">SIZE", "VERSION", "LABEL", "NOTE", "PATH"};
    if (!one_job_) names.insert(names.begin(), "JOB");
    return names;
  }

  bool as_json_;
  bool one_job_;
  Table table_{headers(), {"VERSION", "CREATED", ">SIZE", "NOTE"}};
};

Status say_schedule(const JobPaths& job) {
  STREAM_ASSIGN(const json list, list_of_job(job, "savepoint-schedule"));
  if (list.empty()) return {};
  const SavepointRules rules = rules_from_json(list[0]);
  if (rules == SavepointRules()) return {};
  std::string text = job.job + ": " + rules_text(rules, job.job);
  if (rules.every_us > 0) text += "; the next at " + local_time(list[0]["next_us"].get<Microseconds>());
  if (list[0]["by_hand"].get<bool>()) text += "; said by 'stream savepoint --every'";
  std::fprintf(stderr, "%s\n", text.c_str());
  return {};
}

}  // namespace

Status print_savepoints(const std::string& name, bool as_json) {
  std::vector<std::string> jobs = list_jobs();
  if (!name.empty()) {
    STREAM_ASSIGN(const JobPaths job, find_job(name));
    jobs = {job.job};
  }
  SavepointCatalogue catalogue(!name.empty(), as_json);
  for (const std::string& job : jobs) {
    STREAM_ASSIGN(const json list, list_of_job(job_paths(job), "savepoints"));
    for (const json& savepoint : list) catalogue.add(job, savepoint);
    if (!as_json) STREAM_TRY(say_schedule(job_paths(job)));
  }
  catalogue.finish();
  return {};
}

}  // namespace stream
