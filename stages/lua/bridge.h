// Bridge: what a script's prelude and this process share: the same struct as in stages/lua/prelude.h. Its functions are
// called from compiled Lua: they neither throw nor call Lua.
#pragma once

#include <cstdint>

namespace stream {

inline constexpr std::int32_t kFindEntry = 0;
inline constexpr std::int32_t kMakeEntry = 1;
inline constexpr std::int32_t kDropEntry = 2;

struct LuaColumn {
  const std::uint8_t* validity = nullptr;
  const std::int32_t* offsets = nullptr;
  const void* values = nullptr;
};

struct LuaBridge {
  void* self = nullptr;
  LuaColumn* row = nullptr;
  LuaColumn* key = nullptr;
  std::int32_t rows = 0;
  std::int32_t at = 0;      // the row that is worked on
  std::int32_t length = 0;  // of the text returned last
  double watermark = 0;
  const char* (*text)(void*, std::int32_t from_key, std::int32_t column) = nullptr;
  void (*put_null)(void*, std::int32_t) = nullptr;
  void (*put_integer)(void*, std::int32_t, std::int64_t) = nullptr;
  void (*put_double)(void*, std::int32_t, double) = nullptr;
  std::int32_t (*put_text)(void*, std::int32_t, const char*, std::int32_t) = nullptr;
  void (*end_row)(void*) = nullptr;
  void (*enter)(void*, std::int32_t) = nullptr;
  std::int32_t (*state_has)(void*, std::int32_t) = nullptr;
  std::int64_t (*state_integer)(void*, std::int32_t) = nullptr;
  double (*state_double)(void*, std::int32_t) = nullptr;
  const char* (*state_text)(void*, std::int32_t) = nullptr;
  void (*state_put_null)(void*, std::int32_t) = nullptr;
  void (*state_put_integer)(void*, std::int32_t, std::int64_t) = nullptr;
  void (*state_put_double)(void*, std::int32_t, double) = nullptr;
  std::int32_t (*state_put_text)(void*, std::int32_t, const char*, std::int32_t) = nullptr;
  void (*forget)(void*) = nullptr;
  std::int32_t (*set_timer)(void*, std::int64_t, std::int32_t wall) = nullptr;
  std::int32_t (*count)(void*, const char*, std::int32_t, std::int64_t) = nullptr;
  std::int32_t (*gauge)(void*, const char*, std::int32_t, double) = nullptr;
  std::int32_t (*meter)(void*, const char*, std::int32_t, std::int64_t) = nullptr;
  std::int32_t (*histogram)(void*, const char*, std::int32_t, double) = nullptr;
  std::int64_t (*now)(void*) = nullptr;
  // How: finds, makes or drops the entry; whether it was there, -1 if it cannot be made.
  std::int32_t (*entry_integer)(void*, std::int64_t item, std::int32_t how) = nullptr;
  std::int32_t (*entry_text)(void*, const char* item, std::int32_t size, std::int32_t how) = nullptr;
  std::int32_t (*entries)(void*) = nullptr;
  std::int64_t (*item_integer)(void*, std::int32_t number) = nullptr;
  const char* (*item_text)(void*, std::int32_t number) = nullptr;
};

}  // namespace stream
