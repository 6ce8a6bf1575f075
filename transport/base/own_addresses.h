// The addresses of this host.
#pragma once

#include <string>
#include <vector>

namespace stream {

// As numbers, without those that every host has.
std::vector<std::string> own_addresses();

}  // namespace stream
