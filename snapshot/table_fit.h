// TableFit: whether rows kept of a state table can be given to a table as it is wanted now.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"

namespace stream {

struct TableFit {
  static constexpr std::size_t kNone = SIZE_MAX;

  // For every column of the wanted table the column of the kept one, or kNone: NULL. Of use if there are
  // no misfits.
  std::vector<std::size_t> columns;
  std::vector<std::string> misfits;  // why not: "column 'n' was count(*) and is sum(ms) now"
  std::vector<std::string> added;    // names of columns that nothing was kept for
};

// Columns are found by name and definition, or by definition alone: a column may be renamed where
// its definition says what it is. Nothing kept is ever left out silently.
TableFit fit_table(const TableSpec& kept, const TableSpec& wanted);

}  // namespace stream
