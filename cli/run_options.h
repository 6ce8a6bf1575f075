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

inline RunRequest request_of(const VerbValues& values) {
  RunRequest request;
  request.fresh = values.flag("fresh");
  request.accept_drained = values.flag("accept-drained");
  request.accept_duplicates = values.flag("accept-duplicates");
  return request;
}

}  // namespace stream
