// Without a supervisor: plain mode (text over stdin and stdout) and stages wired by hand (--in
// binds, --out connects, in any start order), and any mix of the two. No checkpoints.
#pragma once

#include "stages/kit/stage.h"

namespace stream {

// Returns when every input has ended and every receiver has everything. SIGPIPE and SIGINT keep
// their default action. Errors: kPeerGone, naming the peer that was lost before its end;
// kBadRecord under `on-error: fail`, the default here.
Status run_by_hand(const StageProgram& program, const Values& values);

}  // namespace stream
