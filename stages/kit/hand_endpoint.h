// The endpoints that users write in --in and --out.
#pragma once

#include <string>

#include "stages/kit/stage.h"

namespace stream {

// Binding replaces what is at an ipc path, which may only be a socket that nobody listens on. Errors:
// kUsage if it is anything else, kSystem if somebody listens there.
Status check_place(const std::string& endpoint);

// Errors: kUsage if it is no endpoint, too long a path, or leaves this host without encryption.
Status check_endpoint(const std::string& endpoint, bool encrypted);

struct OutEndpoint {
  std::size_t output = 0;  // index into output_names()
  std::string endpoint;
};

struct InEndpoint {
  std::string input;  // "in" for a stage that tells its inputs not apart
  std::string endpoint;
};

// "[NAME=]ENDPOINT". Errors: kUsage if there must be a name and is none, or the other way round.
Result<InEndpoint> parse_in(const StageProgram& program, const std::string& text);

// "[NAME=]ENDPOINT" for one of these outputs. Errors: kUsage, naming the nearest output.
Result<OutEndpoint> parse_out(const std::vector<std::string>& outputs, const std::string& text);

}  // namespace stream
