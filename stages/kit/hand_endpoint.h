// The endpoints that users write in --in and --out.
#pragma once

#include <string>

#include "stages/kit/stage.h"

namespace stream {

// True if some process listens on this ipc path: then binding would take it away silently.
bool ipc_in_use(const std::string& endpoint);

// Errors: kUsage if it is no endpoint, too long a path, or leaves this host without encryption.
Status check_endpoint(const std::string& endpoint, bool encrypted);

struct OutEndpoint {
  std::size_t output = 0;  // index into output_names()
  std::string endpoint;
};

// "[NAME=]ENDPOINT". Errors: kUsage, naming the nearest output.
Result<OutEndpoint> parse_out(const StageProgram& program, const std::string& text);

}  // namespace stream
