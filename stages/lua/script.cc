#include "stages/lua/script.h"

#include <cstdio>
#include <lua.hpp>

#include "stages/lua/prelude.h"

namespace stream {
namespace {

constexpr const char* kNames[] = {"on_row", "on_timer", "on_alarm", "on_end"};

// Standard output is for rows.
int print(lua_State* lua) {
  std::string line;
  for (int i = 1; i <= lua_gettop(lua); ++i) {
    lua_getglobal(lua, "tostring");
    lua_pushvalue(lua, i);
    lua_call(lua, 1, 1);
    std::size_t size = 0;
    const char* text = lua_tolstring(lua, -1, &size);
    if (text != nullptr) line.append(i > 1 ? "\t" : "").append(text, size);
    lua_pop(lua, 1);
  }
  std::fprintf(stderr, "%s\n", line.c_str());
  return 0;
}

// How the prelude reads and writes a column of this type.
const char* kind_of(Type type) {
  switch (type.kind) {
    case TypeKind::kBoolean: return "boolean";
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return "integer";
    case TypeKind::kDate: return "date";
    case TypeKind::kDouble: return "double";
    case TypeKind::kVarchar: return "string";
    case TypeKind::kJson: return "json";
    case TypeKind::kBlob: return "blob";
    case TypeKind::kDecimal:
    case TypeKind::kInterval: return "text";
  }
  return "";
}

// {{name, kind, place}, …}; place is missing where it is negative.
void push_columns(lua_State* lua, const std::vector<Field>& fields, const std::vector<int>* places) {
  lua_createtable(lua, static_cast<int>(fields.size()), 0);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    lua_createtable(lua, 3, 0);
    lua_pushlstring(lua, fields[i].name.data(), fields[i].name.size());
    lua_rawseti(lua, -2, 1);
    lua_pushstring(lua, kind_of(fields[i].type));
    lua_rawseti(lua, -2, 2);
    const int place = places != nullptr ? (*places)[i] : static_cast<int>(i);
    if (place >= 0) {
      lua_pushinteger(lua, place);
      lua_rawseti(lua, -2, 3);
    }
    lua_rawseti(lua, -2, static_cast<int>(i) + 1);
  }
}

// A script works on rows: what reaches outside is for those who say so.
void take_away_the_outside(lua_State* lua) {
  for (const char* name : {"io", "os", "require", "module", "package", "dofile", "loadfile", "debug", "ffi", "jit"}) {
    lua_pushnil(lua);
    lua_setglobal(lua, name);
  }
  // What has been compiled already is not checked when it is loaded.
  luaL_dostring(lua, R"lua(
    local load = load
    function load_text(chunk, name, _, environment) return load(chunk, name, "t", environment) end
    _G.load, _G.loadstring, load_text = load_text, load_text, nil
  )lua");
}

}  // namespace

Script::Script() : lua_(luaL_newstate()) {}

Script::~Script() { lua_close(lua_); }

std::string Script::error_text() {
  std::size_t size = 0;
  const char* text = lua_tolstring(lua_, -1, &size);
  std::string out = text != nullptr ? std::string(text, size) : std::string("(error object is no text)");
  lua_pop(lua_, 1);
  return out;
}

Status Script::check(const std::string& text, const std::string& name) {
  const Script script;
  if (luaL_loadbufferx(script.lua_, text.data(), text.size(), ("=" + name).c_str(), "t") == 0) return {};
  return usage_error(lua_tostring(script.lua_, -1));
}

Result<std::unique_ptr<Script>> Script::load(const std::string& text, const std::string& name, const ScriptShape& shape,
                                             LuaBridge& bridge) {
  std::unique_ptr<Script> script(new Script);
  luaL_openlibs(script->lua_);
  lua_pushcfunction(script->lua_, print);
  lua_setglobal(script->lua_, "print");
  STREAM_TRY(script->run_prelude(shape, bridge));
  if (!shape.trusted) take_away_the_outside(script->lua_);
  STREAM_TRY(script->run(text, name));
  STREAM_TRY(script->find_functions());
  return script;
}

Status Script::run_prelude(const ScriptShape& shape, LuaBridge& bridge) {
  if (luaL_loadbuffer(lua_, kPrelude, sizeof kPrelude - 1, "=stream") != 0) return failed(error_text());
  lua_pushlightuserdata(lua_, &bridge);
  push_columns(lua_, shape.input, nullptr);
  push_columns(lua_, shape.results, &shape.result_places);
  push_columns(lua_, shape.key, nullptr);
  push_columns(lua_, shape.state, nullptr);
  push_columns(lua_, shape.entries, nullptr);
  lua_pushboolean(lua_, shape.keyed ? 1 : 0);
  if (lua_pcall(lua_, 7, 3, 0) != 0) return failed(error_text());
  for (int i = 2; i >= 0; --i) drivers_[i] = luaL_ref(lua_, LUA_REGISTRYINDEX);
  return {};
}

Status Script::run(const std::string& text, const std::string& name) {
  if (luaL_loadbufferx(lua_, text.data(), text.size(), ("=" + name).c_str(), "t") != 0 ||
      lua_pcall(lua_, 0, 0, 0) != 0) {
    return usage_error(error_text());
  }
  return {};
}

Status Script::find_functions() {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    lua_getglobal(lua_, kNames[i]);
    if (lua_isfunction(lua_, -1)) {
      functions_[i] = luaL_ref(lua_, LUA_REGISTRYINDEX);
    } else {
      lua_pop(lua_, 1);
    }
  }
  return has(Function::kRow) ? Status() : usage_error("the script defines no function on_row(row, state, emit)");
}

std::optional<std::string> Script::call(Function function, std::int32_t first) {
  const int driver = function == Function::kRow ? 0 : function == Function::kEnd ? 2 : 1;
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, drivers_[driver]);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, functions_[static_cast<std::size_t>(function)]);
  lua_pushinteger(lua_, first);
  if (lua_pcall(lua_, 2, 0, 0) == 0) return std::nullopt;
  return error_text();
}

}  // namespace stream
