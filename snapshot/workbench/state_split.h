// The state of one job as that of several: each has the rows of its keys.
//
// What is of no key goes by its kind. How far sources have read, and how far event time has come, goes to every part,
// as each goes on from there. Rows that wait in a stage until they are passed on go to the first part alone, as they
// must not be passed on twice. Merging the parts gives the whole again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "snapshot/workbench/state_draft.h"

namespace stream {

struct SplitRequest {
  std::size_t parts = 2;
  // Conditions over the columns that place rows: a row belongs to the first part whose condition is true, else to the
  // last, which has none. Empty: parts get equal shares of the key groups.
  std::vector<std::string> conditions;
  std::vector<std::string> copied;  // keyed tables that every part gets as they are
};

// What goes into each part of a draft that holds the whole. Errors: kUsage for a condition that a keyed table cannot
// answer, saying what can be done, and for tables that are not there.
Result<std::vector<DraftPart>> split_parts(StateDraft& draft, const SplitRequest& request);

}  // namespace stream
