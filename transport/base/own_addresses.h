// The addresses of this host.
#pragma once

#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

// As numbers, without those that every host has.
std::vector<std::string> own_addresses();

// Under which `other`, a number, sees this host; nothing is sent. Errors: kSystem.
Result<std::string> own_address_towards(const std::string& other);

}  // namespace stream
