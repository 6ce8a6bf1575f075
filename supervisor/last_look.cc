#include "supervisor/last_look.h"

#include <nlohmann/json.hpp>

#include "supervisor/job_runner.h"
#include "supervisor/job_view.h"
#include "transport/base/files.h"
#include "transport/base/json_fields.h"

namespace stream {

using nlohmann::json;

namespace {

std::string path_of(const JobPaths& job) { return job.folder + "/last.json"; }

}  // namespace

Status save_last_look(const JobRunner& runner) {
  json look = json::parse(job_stats_json(runner), nullptr, false);
  if (!look.is_object()) return {};
  look.erase("ok");
  look.erase("job");  // its store knows better
  for (json& instance : look["instances"]) instance["pid"] = 0;
  look["groups"] = list_at(json::parse(job_metrics_json(runner), nullptr, false), "groups");
  const std::string path = path_of(runner.paths());
  STREAM_TRY(system_files().write_file(path + ".new", look.dump(-1, ' ', false, json::error_handler_t::replace)));
  return system_files().rename(path + ".new", path);
}

void forget_last_look(const JobPaths& job) { (void)system_files().remove(path_of(job)); }

json last_look(const JobPaths& job) {
  const auto text = system_files().read_file(path_of(job));
  json look = text.ok() ? json::parse(*text, nullptr, false) : json();
  if (!look.is_object()) look = json::object();
  look["instances"] = list_at(look, "instances");
  look["groups"] = list_at(look, "groups");
  return look;
}

}  // namespace stream
