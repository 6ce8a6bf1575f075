// What the verbs share that make a savepoint of others: where it goes, what it is called, what is told of it.
#pragma once

#include <cstdint>
#include <string>

#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/checkpoint.h"

namespace stream {

constexpr VerbOption kSavepointTo = {.name = "to",
                                     .arg = "PATH",
                                     .doc = "The savepoint to make: a folder, or a file with --single-file.",
                                     .kind = ValueKind::kPath,
                                     .required = true};
constexpr VerbOption kSavepointLabel = {.name = "label", .arg = "NAME", .doc = "A name that it carries."};
constexpr VerbOption kSavepointSingleFile = {
    .name = "single-file", .doc = "One SQLite file instead of a folder.", .kind = ValueKind::kFlag};

std::string absolute_target(const std::string& path);

// Where the draft of a savepoint is built: beside it, as it is as large. It has this name for a moment only.
std::string draft_of(const std::string& target);

// The path does not exist, and its label can be one. Errors: kUsage.
Status check_target(const std::string& path, const std::string& label);

// Only savepoints can be rewritten: a checkpoint may hold rows that its sinks have not committed. What was altered is
// refused, as what is made of it would be sealed anew. Errors: kUsage, kCorrupt.
Result<SnapshotPlace> find_settled(const std::string& reference);

CheckpointIndex relabelled(CheckpointIndex index, const std::string& label);

}  // namespace stream
