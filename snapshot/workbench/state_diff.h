// What differs between two snapshots, row by row: two savepoints, two checkpoints of a job, two jobs.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "snapshot/workbench/state_view.h"

namespace stream {

class DifferenceVisitor {
 public:
  struct Place {
    const Batch& rows;  // all columns of the table on its side
    std::size_t row;
  };
  virtual ~DifferenceVisitor() = default;

  virtual bool wants(const ViewedTable& table) = 0;  // asked for each
  // What keeps tables or columns from being compared, or is there on one side only: "column 'n' is only in A".
  virtual Status note(const ViewedTable& table, const std::string& what) = 0;
  virtual Status removed(const ViewedTable& table, Place before) = 0;  // only in A
  virtual Status added(const ViewedTable& table, Place after) = 0;     // only in B
  // `columns`: of the value columns of A those that differ; in B they are called the same.
  virtual Status changed(const ViewedTable& before, Place from, const ViewedTable& after, Place to,
                         std::span<const std::size_t> columns) = 0;
};

// Tables are found by their stage and name, rows by their keys, columns by their names. Memory is bounded by
// pieces, if both have the same number of key groups. Pending rows of sinks are left out. Errors: kCorrupt, kSystem,
// those of the visitor.
Status diff_states(StateView& a, StateView& b, DifferenceVisitor& visitor);

}  // namespace stream
