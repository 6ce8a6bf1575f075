// Answers a point lookup out of the state of a running instance, see stream-state-query(1): one line into a Unix stream
// socket that somebody else has made, and not more than the socket takes at once, so that nothing waits.
//   R["h7","30"]      the row, see snapshot/point_lookup.h; Rnull: there is none
//   E<message>        why there is no answer
#pragma once

#include <string_view>

#include "snapshot/state_store.h"

namespace stream {

// `request`: {"socket", "table", "key"}. Nothing is changed. Who asks and has gone is no error.
void answer_lookup(StateStore& store, std::string_view request);

}  // namespace stream
