// PolledPositions: behind which row each table that is polled has been read; rows of the state table `positions`.
#pragma once

#include <string>
#include <vector>

#include "snapshot/state_store.h"

namespace stream {

class PolledPositions {
 public:
  static TableSpec spec();
  explicit PolledPositions(StateStore& store) : table_(store.table(spec())) {}

  // Values of the columns that order the rows, as text; empty: nothing has been read. Errors: kCorrupt.
  Result<std::vector<std::string>> load(const std::string& of) const;
  void store(const std::string& of, const std::vector<std::string>& after);

 private:
  StateTable& table_;
};

}  // namespace stream
