// TableFit: whether rows kept of a state table can be given to a table as it is wanted now, and how.
//
// The one decision behind 'stream check --against', the start of a job, and the restore of every instance.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/evolution.h"
#include "snapshot/table_spec.h"
#include "transport/record/row_function.h"

namespace stream {

// Where the values of a column come from; from nowhere, they begin as NULL, or as 0.
struct ColumnOrigin {
  static constexpr std::size_t kNone = SIZE_MAX;

  std::size_t kept = kNone;                               // this column, as it is
  std::shared_ptr<const RowFunction> function = nullptr;  // computed from the kept row

  bool begins() const { return kept == kNone && function == nullptr; }
};

struct TableMisfit {
  std::string why;           // "column 'n' was count(*) and is sum(ms) now"
  std::string column = {};   // the one that would have to be dropped for the rest to fit; "" = all rows would
  std::string convert = {};  // or an expression that would make it fit
};

struct TableFit {
  std::vector<ColumnOrigin> columns;  // of the wanted table, of use if there are no misfits
  std::vector<TableMisfit> misfits;   // why not
  std::vector<std::string> changes;   // "column 'ms' becomes 'latency'", a line each
  std::vector<std::string> added;     // names of columns that begin empty
  std::vector<std::string> notes;     // what is taken up as it was, but holds otherwise from here on
  std::vector<bool> matched;          // which entries of TableEvolution::columns say something of the kept table

  bool fits() const { return misfits.empty(); }
  bool computes() const;  // some value is not copied
  bool may_fail() const;  // for some row there may be
};

// Columns are found by name and definition, or by definition alone: a column may be renamed where its definition
// says what it is. A type becomes a wider one by itself where no value is lost. Anything else takes an entry in
// `evolution`; nothing kept is ever left out silently. Without a `language` nothing can be computed.
TableFit fit_table(const TableSpec& kept, const TableSpec& wanted, const TableEvolution& evolution = {},
                   const RowLanguage* language = nullptr);

// kUsage, saying the first of the reasons, if there is any.
Status fit_status(const TableFit& fit, const TableSpec& wanted);

// The kept rows as rows of the wanted table. Errors: kUsage, naming the column.
Result<Batch> fitted_rows(const TableFit& fit, const TableSpec& wanted, const Batch& kept);

// Every value of the one type is a value of the other, and the same.
bool widens(Type from, Type to);

}  // namespace stream
