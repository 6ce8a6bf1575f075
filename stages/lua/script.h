// Script: a user's Lua code in an interpreter of its own, and the only place that includes Lua.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stages/lua/bridge.h"
#include "transport/base/status.h"
#include "transport/record/schema.h"

struct lua_State;

namespace stream {

// What a script sees of the data.
struct ScriptShape {
  std::vector<Field> input;
  std::vector<Field> results;
  std::vector<int> result_places;  // by result: its column in what is emitted, -1 where nothing reads it
  std::vector<Field> key;
  std::vector<Field> state;
  std::vector<Field> entries;
  bool keyed = false;
  bool trusted = false;  // it may use io, os, require and ffi
};

class Script {
 public:
  enum class Function : std::uint8_t { kRow, kTimer, kAlarm, kEnd };

  // Whether it is Lua at all. Errors: kUsage with the line.
  static Status check(const std::string& text, const std::string& name);

  // `bridge` is filled and outlives the script. Errors: kUsage, with the line, where its outermost level fails or
  // on_row is missing.
  static Result<std::unique_ptr<Script>> load(const std::string& text, const std::string& name,
                                              const ScriptShape& shape, LuaBridge& bridge);
  ~Script();

  bool has(Function function) const { return functions_[static_cast<std::size_t>(function)] != 0; }
  // Calls it for every row of the bridge from `first` on; kEnd once. Returns what it failed with at bridge.at.
  std::optional<std::string> call(Function function, std::int32_t first);

 private:
  Script();
  Status run_prelude(const ScriptShape& shape, LuaBridge& bridge);
  Status run(const std::string& text, const std::string& name);
  Status find_functions();
  std::string error_text();

  lua_State* lua_;
  int drivers_[3] = {};  // references: rows, timers, once
  int functions_[4] = {};
};

}  // namespace stream
