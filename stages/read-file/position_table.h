// PositionTable: positions as rows of the state table `splits`.
#pragma once

#include <vector>

#include "snapshot/state_store.h"
#include "stages/read-file/position.h"

namespace stream {

TableSpec splits_spec();

class PositionTable {
 public:
  explicit PositionTable(StateStore& store);

  std::vector<Position> load() const;  // in order of path and begin
  // Makes the table hold exactly these; rows that are equal already stay untouched.
  void store(const std::vector<Position>& positions);

 private:
  Position position_of(Row row) const;

  StateTable& table_;
};

}  // namespace stream
