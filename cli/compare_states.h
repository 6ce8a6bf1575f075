// Comparing the state tables of two snapshots.
#pragma once

#include "cli/compare_report.h"
#include "snapshot/workbench/state_view.h"

namespace stream {

// Every table that users look at, or the one of the settings; see diff_states(). Rows have the key of their table.
// Errors: kUsage, kCorrupt, kSystem.
Status compare_states(StateView& a, StateView& b, const CompareSettings& settings, CompareReport& report);

// Whether these sources have read as far in one as in the other. Errors: kCorrupt, kSystem.
Result<bool> same_positions(StateView& a, StateView& b, const std::set<std::string>& sources);

// The newest checkpoint of a job that is over, by the folder of its checkpoints. Errors: kFailed if there is none.
Result<std::unique_ptr<StateView>> newest_state(const std::string& checkpoints);

}  // namespace stream
