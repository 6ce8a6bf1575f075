// What the options of stream-lua say, for planning and for running.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "stages/kit/plan.h"

namespace stream {

struct LuaSettings {
  std::string text;  // the script
  std::string name;  // of it, for messages
  Schema results;
  std::vector<std::size_t> by;
  std::vector<Field> state;    // columns that the script sees
  std::vector<Field> entries;  // the item, then its values
  std::optional<Microseconds> ttl;
  TableSpec kept;         // key -> state, and when it was written where there is a ttl
  TableSpec entry_table;  // (key, item) -> values, likewise
  TableSpec timers;       // (key, time)
  TableSpec alarms;
};

// nullopt with `error` set where the options are wrong for this input, or the script cannot be read.
std::optional<LuaSettings> lua_settings(const Values& options, const Schema& input, const std::string& folder,
                                        const std::string& stage, PlanError* error);
PlanAnswer plan_lua(const PlanRequest& request);

}  // namespace stream
