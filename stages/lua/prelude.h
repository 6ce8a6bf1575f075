// What stands between a user's script and this process, in Lua: LuaJIT compiles it together with the script.
#pragma once

namespace stream {

// Gets: the Bridge, and for the columns of input, results, key and state {{name, kind}, …}. Returns: a function that
// makes the environment's API, see stream-lua(1).
inline constexpr char kPrelude[] = R"lua(
local ffi = require "ffi"
local bit = require "bit"
ffi.cdef [[
typedef struct {
  const uint8_t* validity;
  const int32_t* offsets;
  union { const int64_t* i64; const double* f64; const int32_t* i32; const uint8_t* u8; const char* bytes; };
} stream_lua_column;
typedef struct {
  void* self;
  stream_lua_column* row;
  stream_lua_column* key;
  int32_t rows;
  int32_t at;
  int32_t length;
  double watermark;
  const char* (*text)(void*, int32_t from_key, int32_t column);
  void (*put_null)(void*, int32_t);
  void (*put_integer)(void*, int32_t, int64_t);
  void (*put_double)(void*, int32_t, double);
  int32_t (*put_text)(void*, int32_t, const char*, int32_t);
  void (*end_row)(void*);
  void (*enter)(void*, int32_t);
  int32_t (*state_has)(void*, int32_t);
  int64_t (*state_integer)(void*, int32_t);
  double (*state_double)(void*, int32_t);
  const char* (*state_text)(void*, int32_t);
  void (*state_put_null)(void*, int32_t);
  void (*state_put_integer)(void*, int32_t, int64_t);
  void (*state_put_double)(void*, int32_t, double);
  int32_t (*state_put_text)(void*, int32_t, const char*, int32_t);
  void (*forget)(void*);
  int32_t (*set_timer)(void*, int64_t, int32_t wall);
  int32_t (*count)(void*, const char*, int32_t, int64_t);
  int32_t (*gauge)(void*, const char*, int32_t, double);
  int32_t (*meter)(void*, const char*, int32_t, int64_t);
  int32_t (*histogram)(void*, const char*, int32_t, double);
  int64_t (*now)(void*);
  int32_t (*entry_integer)(void*, int64_t, int32_t how);
  int32_t (*entry_text)(void*, const char*, int32_t, int32_t how);
  int32_t (*entries)(void*);
  int64_t (*item_integer)(void*, int32_t);
  const char* (*item_text)(void*, int32_t);
} stream_lua_bridge;
]]

local address, input, results, key_columns, state_columns, entry_columns, keyed = ...
local bridge = ffi.cast("stream_lua_bridge*", address)
local self = bridge.self
local api = {}
for _, name in ipairs {"text", "put_null", "put_integer", "put_double", "put_text", "end_row", "enter", "state_has",
                       "state_integer", "state_double", "state_text", "state_put_null", "state_put_integer",
                       "state_put_double", "state_put_text", "forget", "set_timer", "count", "gauge", "meter", "histogram", "now", "entry_integer", "entry_text", "entries", "item_integer",
                       "item_text"} do
  api[name] = bridge[name]
end
local type, tonumber, tostring, error, setmetatable, floor = type, tonumber, tostring, error, setmetatable, math.floor
local band, lshift, rshift, to_string, is_type = bit.band, bit.lshift, bit.rshift, ffi.string, ffi.istype
local int64 = ffi.typeof("int64_t")
local EXACT = 2 ^ 53
local at = 0

local function number_of(value)
  local n = tonumber(value)
  if n < EXACT and n > -EXACT then return n end  -- further out a double may be that of a neighbour
  return value
end

local function is_valid(column, i)
  return column.validity == nil or band(column.validity[rshift(i, 3)], lshift(1, band(i, 7))) ~= 0
end

local readers = {
  boolean = function(column) return function()
    if is_valid(column, at) then return column.u8[at] ~= 0 end
  end end,
  integer = function(column) return function()
    if is_valid(column, at) then return number_of(column.i64[at]) end
  end end,
  date = function(column) return function()
    if is_valid(column, at) then return column.i32[at] end
  end end,
  double = function(column) return function()
    if is_valid(column, at) then return column.f64[at] end
  end end,
  string = function(column) return function()
    if not is_valid(column, at) then return nil end
    local begin = column.offsets[at]
    return to_string(column.bytes + begin, column.offsets[at + 1] - begin)
  end end,
  text = function(column, k, from_key) return function()
    if not is_valid(column, at) then return nil end
    local text = api.text(self, from_key, k)
    return to_string(text, bridge.length)
  end end,
}
readers.json, readers.blob = readers.string, readers.string

local function proxy(columns, of, what, from_key)
  local read = {}
  for k, column in ipairs(columns) do
    read[column[1]] = readers[column[2]](of + (k - 1), k - 1, from_key)
  end
  return setmetatable({}, {
    __index = function(_, name)
      local reader = read[name]
      if reader then return reader() end
      error(what .. " has no column '" .. tostring(name) .. "'", 2)
    end,
    __newindex = function() error(what .. " cannot be changed", 2) end,
    __metatable = false,
  })
end

local function integer_of(value)
  if type(value) == "number" then
    if value == floor(value) and value < 2 ^ 63 and value >= -2 ^ 63 then return value end
  elseif is_type(int64, value) then
    return value
  end
end

-- Functions that take a value, one for each kind: they end with an error that tells what does not fit.
local function writer(name, kind, k, depth, null, integer, double, text)
  local function wrong(value, wanted)
    error("column '" .. name .. "': " .. tostring(value) .. " is not " .. wanted, depth)
  end
  if kind == "boolean" then
    return function(value)
      if value == nil then return null(self, k) end
      if type(value) ~= "boolean" then wrong(value, "a boolean") end
      integer(self, k, value and 1 or 0)
    end
  elseif kind == "integer" or kind == "date" then
    return function(value)
      if value == nil then return null(self, k) end
      local whole = integer_of(value)
      if whole == nil or (kind == "date" and (whole >= 2 ^ 31 or whole < -2 ^ 31)) then wrong(value, "a whole number") end
      integer(self, k, whole)
    end
  elseif kind == "double" then
    return function(value)
      if value == nil then return null(self, k) end
      if type(value) ~= "number" then wrong(value, "a number") end
      double(self, k, value)
    end
  end
  local wanted = kind == "json" and "JSON" or kind == "text" and "a value of its type" or kind == "blob" and "a string" or "a string of UTF-8"
  return function(value)
    if value == nil then return null(self, k) end
    if type(value) == "number" then value = tostring(value) end
    if type(value) ~= "string" or text(self, k, value, #value) == 0 then wrong(value, wanted) end
  end
end

-- emit{name = value, …} or emit(value, …): one function, written out for these columns.
local function make_emit()
  local names, known, takers, by_name, by_place = {}, {}, {}, {}, {}
  for k, column in ipairs(results) do
    known[column[1]] = true
    takers[k] = column[3] and writer(column[1], column[2], column[3], 4, api.put_null, api.put_integer, api.put_double, api.put_text)
    names[k] = "a" .. k
    if column[3] then
      by_name[#by_name + 1] = ("take[%d](t[%q])"):format(k, column[1])
      by_place[#by_place + 1] = ("take[%d](a%d)"):format(k, k)
    end
  end
  local checked = 0
  local function check(t)
    checked = checked + 1
    for name in pairs(t) do
      if not known[name] then error("the results have no column '" .. tostring(name) .. "'", 3) end
    end
  end
  local source = ([[
    local take, type, end_row, self, check, some = ...
    return function(%s)
      if type(a1) == "table" then
        local t = a1
        if some() then check(t) end
        %s
      else
        %s
      end
      end_row(self)
    end]]):format(#names > 0 and table.concat(names, ", ") or "a1", table.concat(by_name, "\n"), table.concat(by_place, "\n"))
  return assert(loadstring(source, "=emit"))(takers, type, api.end_row, self, check, function() return checked < 1000 end)
end

local function state_reader(kind, k)
  if kind == "boolean" then return function() if api.state_has(self, k) ~= 0 then return api.state_integer(self, k) ~= 0 end end end
  if kind == "integer" or kind == "date" then return function() if api.state_has(self, k) ~= 0 then return number_of(api.state_integer(self, k)) end end end
  if kind == "double" then return function() if api.state_has(self, k) ~= 0 then return api.state_double(self, k) end end end
  return function()
    if api.state_has(self, k) == 0 then return nil end
    local text = api.state_text(self, k)
    return to_string(text, bridge.length)
  end
end

local inside = false  -- a function of the script runs for a row

local function make_state()
  local read, write = {}, {}
  for k, column in ipairs(state_columns) do
    read[column[1]] = state_reader(column[2], k - 1)
    write[column[1]] = writer(column[1], column[2], k - 1, 4, api.state_put_null, api.state_put_integer, api.state_put_double, api.state_put_text)
  end
  local function no(name) error("the state has no column '" .. tostring(name) .. "'", 3) end
  return setmetatable({}, {
    __index = function(_, name) return (read[name] or no(name))() end,
    __newindex = function(_, name, value) (write[name] or no(name))(value) end,
    __metatable = false,
  })
end

-- put(item, value, …), get(item) and each() over the entries of a key, written out for these columns.
local function make_entries()
  local of_text = entry_columns[1][2] == "string"
  local function entry(item, how)
    if not inside then error("entries belong to the key of a row, in on_row, on_timer or on_alarm", 3) end
    if of_text then
      if type(item) == "number" then item = tostring(item) end
      if type(item) ~= "string" then error("an entry is named by a string, not " .. tostring(item), 3) end
      local was = api.entry_text(self, item, #item, how)
      if was < 0 then error("an entry is named by a string of UTF-8", 3) end
      return was ~= 0
    end
    local whole = integer_of(item)
    if whole == nil then error("an entry is named by a whole number, not " .. tostring(item), 3) end
    return api.entry_integer(self, whole, how) ~= 0
  end
  local read, write, names, reads, writes = {}, {}, {}, {}, {}
  for j = 2, #entry_columns do
    local column, k = entry_columns[j], #state_columns + j - 2
    read[j] = state_reader(column[2], k)
    write[j] = writer(column[1], column[2], k, 3, api.state_put_null, api.state_put_integer, api.state_put_double, api.state_put_text)
    names[#names + 1], reads[#reads + 1], writes[#writes + 1] = ", a" .. j, ("read[%d]()"):format(j), ("write[%d](a%d)"):format(j, j)
  end
  local values = #reads > 0 and table.concat(reads, ", ") or "true"
  local source = ([[
    local entry, read, write, items = ...
    return function(item) if entry(item, 0) then return %s end end,
      function(item%s) entry(item, 1) %s end,
      function()
        local all, i = items(), 0
        return function()
          i = i + 1
          while all[i] ~= nil and not entry(all[i], 0) do i = i + 1 end  -- dropped meanwhile
          if all[i] ~= nil then return all[i], %s end
        end
      end]]):format(values, table.concat(names), table.concat(writes, " "), values)
  local function items()
    local all = {}
    for i = 1, api.entries(self) do
      if of_text then
        local text = api.item_text(self, i - 1)
        all[i] = to_string(text, bridge.length)
      else
        all[i] = number_of(api.item_integer(self, i - 1))
      end
    end
    return all
  end
  local get, put, each = assert(loadstring(source, "=entries"))(entry, read, write, items)
  return get, put, each, function(item) local was = entry(item, 2) return was end
end

local function set_timer(time, wall)
  if not keyed then error("timers belong to keys: the stage needs the option 'by'", 2) end
  if not inside then error("timers are set for the key of a row, by on_row, on_timer or on_alarm", 2) end
  local whole = type(time) == "number" and floor(time) or integer_of(time)
  if whole == nil or whole ~= whole or tonumber(whole) >= 2 ^ 62 or tonumber(whole) <= -2 ^ 62 then
    error("a timer needs a time in microseconds, not " .. tostring(time), 2)
  end
  return api.set_timer(self, whole, wall) ~= 0
end

local function names_of(columns)
  local out = {}
  for k, column in ipairs(columns) do out[k] = column[1] end
  return out
end

stream = {
  second = 1e6, minute = 60e6, hour = 3600e6, day = 86400e6,
  columns = names_of(input),
  timer = function(time) return set_timer(time, 0) end,
  alarm = function(time) return set_timer(time, 1) end,
  forget = function()
    if not inside then error("a key's state is forgotten by on_row, on_timer or on_alarm", 2) end
    api.forget(self)
  end,
  watermark = function()
    local w = bridge.watermark
    if w > -2 ^ 62 then return w end
  end,
  now = function() return tonumber(api.now(self)) end,
  count = function(name, by)
    by = integer_of(by == nil and 1 or by)
    if type(name) ~= "string" or by == nil then error("count(name, whole number)", 2) end
    if api.count(self, name, #name, by) == 0 then error("too many counters, or too long a name", 2) end
  end,
  gauge = function(name, value)
    if type(name) ~= "string" or type(value) ~= "number" then error("gauge(name, number)", 2) end
    if api.gauge(self, name, #name, value) == 0 then error("too many gauges, or too long a name", 2) end
  end,
  meter = function(name, events)
    events = integer_of(events == nil and 1 or events)
    if type(name) ~= "string" or events == nil or events < 0 then error("meter(name, whole number from 0)", 2) end
    if api.meter(self, name, #name, events) == 0 then error("too many meters, or too long a name", 2) end
  end,
  histogram = function(name, value)
    local finite = type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
    if type(name) ~= "string" or not finite then error("histogram(name, finite number)", 2) end
    if api.histogram(self, name, #name, value) == 0 then error("too many histograms, or too long a name", 2) end
  end,
}

if #entry_columns > 0 then
  stream.get, stream.put, stream.each, stream.drop = make_entries()
end

local row, key, state = proxy(input, bridge.row, "the row", 0), proxy(key_columns, bridge.key, "the key", 1), make_state()
local emit = make_emit()
local times = key_columns[#key_columns] and bridge.key + (#key_columns)

-- Each works through the rows of a batch from `first` on. After an error it is called again behind the row.
local function rows(call, first)
  inside = true
  for i = first, bridge.rows - 1 do
    at = i
    bridge.at = i
    if keyed then api.enter(self, i) end
    call(row, state, emit)
  end
  inside = false
end
local function timers(call, first)
  inside = true
  for i = first, bridge.rows - 1 do
    at = i
    bridge.at = i
    api.enter(self, i)
    call(key, number_of(times.i64[i]), state, emit)
  end
  inside = false
end
local function once(call)
  call(emit)
end
return rows, timers, once
)lua";

}  // namespace stream
