// The state of two jobs of one pipeline as that of one job.
//
// Each kind of table has its rule. Keyed rows of both are there; a key that both have is a conflict, also where the
// rows are equal, as each job has seen its own records of it. Where both have the same split, file or other thing that
// is not of a key, they must say the same of it. Event time has come as far as it has in both. What waits in the stages
// of both waits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "snapshot/workbench/state_draft.h"

namespace stream {

enum class OnConflict : std::uint8_t { kFail, kFirst, kLast };

struct MergeReport {
  static constexpr std::size_t kShownMax = 10;

  std::uint64_t rows = 0;          // added
  std::uint64_t conflicts = 0;     // keys that both have
  std::vector<std::string> shown;  // the first of them: "totals: host=a"
};

// The index of both: the stages of the first, and those that only the second has. Errors: kUsage if the numbers of key
// groups differ, or one is drained and the other is not.
Result<CheckpointIndex> merged_index(const CheckpointIndex& first, const CheckpointIndex& second);

// The tables of both. Errors: kUsage if one of them has other columns, or means something else by them.
Result<std::vector<ViewedTable>> merged_tables(std::span<const ViewedTable> first, const StateView& second);

// Adds the rows of `from` to a draft that has those of the first, whose index is `first`. kFail leaves the draft as it
// is where the report has conflicts. Errors: kCorrupt, kSystem.
Result<MergeReport> merge_into(StateDraft& draft, const CheckpointIndex& first, StateView& from,
                               OnConflict on_conflict);

}  // namespace stream
