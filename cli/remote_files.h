// Files of who asks a server: manifests that are named, and what they include.
#pragma once

#include <map>
#include <string>

#include "cli/remote_rules.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr std::size_t kSentMax = 3U << 20;  // bytes of all

// By the names that the server looks for: of a manifest as it is given, of what it includes from its folder; "-" is
// standard input. What cannot be read is left out, and is missing there as it is here. Errors: kUsage if they are too
// large.
Result<std::map<std::string, std::string>> files_to_send(const Verb& verb, const RemoteRule& rule,
                                                         const VerbValues& values);

}  // namespace stream
