// The tables of a checkpoint index inside of a database: shared by checkpoint.sqlite,
// savepoint.sqlite and single-file savepoints.
#pragma once

#include "snapshot/checkpoint.h"
#include "snapshot/sqlite.h"

namespace stream {

// Creates the tables and fills them.
Status write_index(Database& db, const CheckpointIndex& index);
// Errors: kCorrupt if anything is missing or the whole does not match its hash.
Result<CheckpointIndex> read_index(Database& db);

}  // namespace stream
