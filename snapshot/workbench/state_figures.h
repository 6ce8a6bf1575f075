// How large the state of a table is, how evenly it lies over key groups and instances, and which keys hold most of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "snapshot/workbench/state_view.h"

namespace stream {

struct RowFigures {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of the values, without what holds them
};

// All rows that one record would meet: those with equal columns of those that place a row.
struct LargeKey {
  std::string text;  // "host=a, port=80"
  RowFigures figures;
};

struct TableFigures {
  RowFigures all;
  std::vector<RowFigures> by_group;  // one a key group
  std::vector<LargeKey> largest;     // by bytes, the largest first

  // Of `parallelism` instances of a keyed table, one each.
  std::vector<RowFigures> by_instance(std::uint32_t parallelism) const;
};

// Reads the whole table, memory bounded by pieces of it. Not of a pending one. `largest`: how many keys.
// Errors: kCorrupt, kSystem.
Result<TableFigures> figures_of(StateView& view, std::size_t table, std::size_t largest);

// "host VARCHAR, window_start TIMESTAMP"
std::string fields_text(const std::vector<Field>& fields);

}  // namespace stream
