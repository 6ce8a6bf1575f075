// TableSpec: what a state table holds, how it is reached and how it moves when a stage rescales.
//
// The same value stands in `--plan` answers, in snapshot files and in savepoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"
#include "transport/record/schema.h"

namespace stream {

// Which instance gets a row after the parallelism of the stage has changed.
enum class Distribution : std::uint8_t {
  kKeyed,      // the owner of the row's key group
  kSplit,      // owner_of_split(hash of the key group columns, parallelism)
  kOutbox,     // all rows of old instance j go to instance j % parallelism
  kBroadcast,  // every instance holds the same rows; the copy of old instance 0 goes to all
  kShared,     // each has rows of its own, and all rows of all old instances go to every new one
};

std::string_view to_string(Distribution distribution);  // "keyed", "split", "outbox", "broadcast", "shared"
Result<Distribution> parse_distribution(std::string_view text);

// A state table. Column numbers count the key columns, then the value columns.
struct TableSpec {
  std::string name = {};  // [a-z][a-z0-9_]*; unique in its stage; a table of this name in savepoints
  Distribution distribution = Distribution::kKeyed;
  std::vector<Field> key = {};    // at least one
  std::vector<Field> value = {};  // names differ from the key's, from each other and from _key_group

  // What the rows and the value columns mean beyond their types, in a form that is equal whenever the meaning is:
  // "tumble 1m of ts"; "count(*)", by position in `value`. "" or missing: their names say all. State is never
  // given to a table that means something else by it, see snapshot/table_fit.h.
  std::string definition = {};
  std::vector<std::string> definitions = {};
  // Value columns, by position in `value`, that begin as 0 in rows kept without them; others begin as NULL.
  std::vector<std::size_t> from_zero = {};

  // The leading key columns whose hash gives a row's key group; 0 = all. They must be the columns
  // the stage's input is hash-partitioned by: a window table (host, slice) of a stage partitioned
  // by host has 1 here, or rescaling would part a key from its records.
  std::size_t group_columns = 0;

  // Access path "all rows of a key prefix": this many leading key columns; 0 = none.
  std::size_t prefix = 0;
  // Access path "rows in order of time": a TIMESTAMP or BIGINT column, key or value; "" = none.
  // Rows whose value is NULL are not in that order.
  std::string ordered = {};
  // Rows never change and leave only by time or all together: they need no access by their whole key, and a capture
  // refers to them. Needs a prefix. How a stage uses its table, so no part of what is told to others.
  bool append_only = false;

  std::size_t columns() const { return key.size() + value.size(); }
  const Field& field(std::size_t column) const {
    return column < key.size() ? key[column] : value[column - key.size()];
  }
  std::optional<std::size_t> find(std::string_view column) const;
  std::string_view definition_of(std::size_t column) const;  // "" for a key column
  bool starts_at_zero(std::size_t column) const;
  void add_value(Field field, std::string means, bool zero = false);

  friend bool operator==(const TableSpec&, const TableSpec&) = default;
};

// The same columns without access paths: of a table that rows only pass through.
TableSpec without_paths(TableSpec spec);

// kUsage if the spec breaks what is said above; the message names the table.
Status check_spec(const TableSpec& spec);

// One JSON object; how specs stand in plans and snapshot files. Access paths are part of it.
std::string spec_to_json(const TableSpec& spec);
Result<TableSpec> spec_from_json(std::string_view json);

// Which instance of `parallelism` reads a split; `split_hash` = hash_key() of the encoded columns
// that name the split. Pure and frozen: sources assign splits by it before they have any state.
constexpr std::uint32_t owner_of_split(std::uint64_t split_hash, std::uint32_t parallelism) {
  return static_cast<std::uint32_t>(((split_hash >> 32) * parallelism) >> 32);
}

}  // namespace stream
