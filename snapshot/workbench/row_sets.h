// The rows of a state table, some at a time: of a snapshot, and of a database that is made of one.
#pragma once

#include <cstdint>
#include <functional>

#include "snapshot/sqlite.h"
#include "snapshot/workbench/state_view.h"

namespace stream {

// Visits all rows of a table, some at a time, with the instance that had them where each has rows of its own, else 0.
using RowSetVisitor = std::function<Status(const Batch& rows, std::uint32_t instance)>;
Status for_each_row_set(StateView& view, std::size_t table, const RowSetVisitor& visit);

// Reads rows of a statement that selects the columns of a table, and one more.
class RowReader {
 public:
  RowReader(Statement rows, const TableSpec& spec) : rows_(std::move(rows)), spec_(spec) {}

  Result<Batch> next(std::size_t most);            // none at the end
  std::int64_t behind() const { return behind_; }  // the one more, of the last row

 private:
  Statement rows_;
  const TableSpec& spec_;
  std::int64_t behind_ = 0;
  bool over_ = false;
};

}  // namespace stream
