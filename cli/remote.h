// A verb whose work a server does: --server. What it prints is printed here, and its exit code is this one's.
#pragma once

#include "cli/remote/ask.h"
#include "cli/verb.h"
#include "cli/verb_values.h"

namespace stream {

// Whether it is asked for with --server, or by STREAM_SERVER where that means this verb.
bool asks_server(const Verb& verb, const VerbValues& values);

// What speaks HTTP, which is loaded then. Errors: kSystem.
Result<AskRemote> load_remote();
// Of an address that is none: kUsage.
Status check_url(const std::string& url);

int run_remotely(const Verb& verb, const VerbValues& values);

}  // namespace stream
