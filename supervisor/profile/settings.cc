#include "supervisor/profile/settings.h"

#include <nlohmann/json.hpp>

namespace stream::profile {

using nlohmann::json;

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Target, pid, label)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Settings, targets, duration, rate, states)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Summary, rounds, samples, missed, took_us)

std::string to_json(const Settings& settings) { return json(settings).dump(); }

Result<Settings> settings_from_json(const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return usage_error("this program is started by 'stream profile'");
  try {
    return in.get<Settings>();
  } catch (const json::exception& error) { return usage_error(error.what()); }
}

std::string to_json(const Summary& summary) { return json(summary).dump(); }

Result<Summary> summary_from_json(const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return corrupt("the profiler says '" + text + "'");
  try {
    return in.get<Summary>();
  } catch (const json::exception& error) { return corrupt(error.what()); }
}

}  // namespace stream::profile
