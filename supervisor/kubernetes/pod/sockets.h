// TCP between Pods.
#pragma once

#include <string>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::kubernetes {

// Listens at a number of this host, on a port that is free. Errors: kSystem.
Result<int> listen_at(const std::string& number);
// "10.0.0.1 4711": of this end, and of the other. Empty if the socket has none.
std::string own_end(int socket);
std::string other_end(int socket);
// "10.0.0.1 4711". Tries again until `patience` is over. Errors: kSystem.
Result<int> connect_to(const std::string& end, Microseconds patience);

}  // namespace stream::kubernetes
