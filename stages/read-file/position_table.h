// PositionTable: positions as rows of the state table `splits`, and the path whose files they are of in `paths`.
#pragma once

#include <string_view>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/format/options.h"
#include "stages/read-file/position.h"

namespace stream {

TableSpec splits_spec();
// What was begun in one format is not read on in another.
TableSpec paths_spec(Format format);

class PositionTable {
 public:
  PositionTable(StateStore& store, Format format);

  std::vector<Position> load() const;  // in order of path and begin
  // Makes the table hold exactly these; rows that are equal already stay untouched.
  void store(const std::vector<Position>& positions);

  // `path`: as it is given, so that an input that is moved together with its pipeline is found under the same.
  void store_path(std::string_view path);
  // Whether positions are kept that were found under another path.
  bool of_another_path(std::string_view path) const;

 private:
  Position position_of(Row row) const;

  StateTable& table_;
  StateTable& paths_;
};

}  // namespace stream
