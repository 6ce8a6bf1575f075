// A Unix stream socket to whoever listens at a path.
#pragma once

#include <string>

namespace stream {

// Never waits, and neither does what is done with the socket. -1: nobody listens there.
int connect_to_unix(const std::string& path);

}  // namespace stream
