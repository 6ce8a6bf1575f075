// From where on the spool of standard input is needed: what may be deleted of it. Pure.
#pragma once

#include <string>

#include "snapshot/retention.h"
#include "snapshot/spool.h"

namespace stream {

// The earliest position at which `stage` would go on reading from one of the checkpoints that stay. Input 0 if
// none stays, or one does not say: then everything is needed.
SpoolPosition spool_needed(const Inventory& inventory, const RetentionPlan& plan, const std::string& stage);

}  // namespace stream
