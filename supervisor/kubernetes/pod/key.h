// The key of one connection between two Pods, as text.
#pragma once

#include <string>

#include "transport/base/status.h"

namespace stream::kubernetes {

// 32 random bytes. Errors: kSystem.
Result<std::string> make_key();
std::string key_text(const std::string& key);
// Errors: kUsage.
Result<std::string> key_of(const std::string& text);

}  // namespace stream::kubernetes
