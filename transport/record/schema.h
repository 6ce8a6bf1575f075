// Schema: names and types of a stream's columns, and what the planner knows about the stream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/record/type.h"

namespace stream {

struct Field {
  std::string name;
  Type type;
  friend bool operator==(const Field&, const Field&) = default;
};

// Which row kinds a stream may carry.
enum class Changelog : std::uint8_t {
  kAppend,   // inserts only
  kUpdates,  // full changelog: insert, update-before, update-after, delete
  kUpserts,  // update-before may be missing: by the unique key readers know what an update-after replaces
};

struct Schema {
  std::vector<Field> fields;
  std::optional<std::size_t> time;  // index of the event-time column (a TIMESTAMP), if any
  std::vector<std::size_t> key;     // indexes of the unique key's columns; empty = none known
  Changelog changelog = Changelog::kAppend;

  friend bool operator==(const Schema&, const Schema&) = default;

  // Index of the column of exactly this name.
  std::optional<std::size_t> find(std::string_view name) const;
  std::vector<std::string> names() const;
};

using SchemaPtr = std::shared_ptr<const Schema>;

// Reads "ts timestamp, n bigint, \"odd name\" varchar": a SQL column list. Errors: kUsage with
// the offending text, for a duplicate name as well.
Result<Schema> parse_schema(std::string_view text);

// The inverse of parse_schema (fields only).
std::string to_string(const Schema& schema);

// The schema with only these columns, in this order; time and key are kept where all their
// columns are.
Schema project(const Schema& schema, const std::vector<std::size_t>& columns);

// One JSON object {"fields": [{"name","type"}…], "time": name, "key": [names], "changelog": …}:
// how schemas stand in plans, `open` frames, checkpoints and REST.
std::string schema_to_json(const Schema& schema);
Result<Schema> schema_from_json(std::string_view json);

}  // namespace stream
