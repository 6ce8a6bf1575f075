// Which stages read a spool, and from where on they need it: what may be deleted of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/retention.h"
#include "snapshot/spool.h"
#include "supervisor/job_paths.h"
#include "supervisor/plan.h"

namespace stream {

struct StageSpool {
  std::string stage;
  std::string folder;
};

// The folder that a stage reads what cannot be asked for again from: standard input, which its supervisor spools,
// or an inbox, in which the stage itself does.
std::optional<std::string> spool_folder(const JobPlan& plan, std::size_t stage, const JobPaths& paths);
std::vector<StageSpool> spools(const JobPlan& plan, const JobPaths& paths);

// The earliest position at which `stage` would go on reading from one of the checkpoints that stay. Input 0 if
// none stays, or one does not say: then everything is needed.
SpoolPosition spool_needed(const Inventory& inventory, const RetentionPlan& plan, const std::string& stage);

}  // namespace stream
