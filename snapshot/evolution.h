// StageEvolution: what kept state of a stage becomes, where it is not taken up as it was.
//
// Part of a RestoreSource: every instance that restores is told the same, and fit_table() decides with it,
// here as where it was asked before anything was stopped.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/table_spec.h"
#include "transport/record/row_function.h"

namespace stream {

// What an `evolve:` block says of a column, see stream-manifest(5).
struct ColumnEvolution {
  std::string name;                     // now; of one that is dropped, then
  std::string was;                      // its name then, within definitions too; "" = the same
  bool drop = false;                    // what was kept under the name is discarded
  std::string convert;                  // an expression over the kept row that gives its value
  std::optional<std::string> fallback;  // its value in kept rows, which have none

  friend bool operator==(const ColumnEvolution&, const ColumnEvolution&) = default;
};

struct TableEvolution {
  std::string to;     // the table that takes the rows up
  bool drop = false;  // none does
  std::vector<ColumnEvolution> columns;

  friend bool operator==(const TableEvolution&, const TableEvolution&) = default;
};

struct StageEvolution {
  std::string was;                               // the stage whose files are read
  bool drop = false;                             // of what it kept only what it had to write still is taken up
  std::map<std::string, TableEvolution> tables;  // by their kept name; others keep it, and all columns

  // The kept table whose rows the table `wanted` takes up.
  std::string kept_name(const std::string& wanted) const;
  const TableEvolution* find(const std::string& kept) const;

  friend bool operator==(const StageEvolution&, const StageEvolution&) = default;
};

// The table with columns called as they are now, in its definitions too.
TableSpec renamed(TableSpec kept, const std::vector<ColumnEvolution>& columns);

std::string to_json(const StageEvolution& evolution);
Result<StageEvolution> stage_evolution_from_json(std::string_view json);

}  // namespace stream
