// What `run` and `resume` both take.
#pragma once

#include "cli/run_job.h"
#include "cli/verb.h"
#include "cli/verb_values.h"

namespace stream {

inline constexpr VerbOption kAcceptDrained = {
    .name = "accept-drained", .doc = "Go on from a savepoint whose windows have fired.", .kind = ValueKind::kFlag};
inline constexpr VerbOption kAcceptDuplicates = {
    .name = "accept-duplicates",
    .doc = "Go back behind a committed checkpoint although a sink cannot take rows back.",
    .kind = ValueKind::kFlag};

inline constexpr VerbOption kAllowNonRestoredState = {
    .name = "allow-non-restored-state",
    .doc = "Go on although the state of stages that are gone is dropped.",
    .kind = ValueKind::kFlag};

inline constexpr VerbOption kOutputs = {
    .name = "outputs",
    .arg = "WHAT",
    .doc =
        "When sinks have written more since the savepoint: rewind, they take it back; beside, this run writes to other "
        "files, named after it.",
    .kind = ValueKind::kChoice,
    .choices = "rewind|beside"};

inline constexpr VerbOption kClaim = {
    .name = "claim",
    .doc = "The savepoint becomes the job's: it is deleted when newer checkpoints have taken its place.",
    .kind = ValueKind::kFlag,
    .excludes = "no-claim"};
inline constexpr VerbOption kNoClaim = {
    .name = "no-claim",
    .doc =
        "The savepoint stays yours, as it does without either: any number of jobs may start from it, and it may be "
        "deleted once their first checkpoint is complete.",
    .kind = ValueKind::kFlag};

inline RunRequest request_of(const VerbValues& values) {
  RunRequest request;
  request.fresh = values.flag("fresh");
  request.claim = values.flag("claim");
  request.accept_drained = values.flag("accept-drained");
  request.accept_duplicates = values.flag("accept-duplicates");
  if (values.has("outputs")) request.outputs = values.text("outputs") == "rewind" ? Outputs::kRewind : Outputs::kBeside;
  return request;
}

}  // namespace stream
