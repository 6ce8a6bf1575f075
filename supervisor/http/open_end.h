// What is left of a connection when its request is answered by a stream: bytes go out as they come.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace stream::http {

class OpenEnd {
 public:
  virtual ~OpenEnd() = default;

  // Neither of these waits. How many bytes were taken; 0: none now; -1: the other side has gone.
  virtual ssize_t send(const char* from, std::size_t size) = 0;
  // Takes in what the other side says, and forgets it. False: it has gone.
  virtual bool hear() = 0;
  virtual int descriptor() const = 0;
  virtual short awaited() const = 0;  // poll(2) events, where send() took nothing
};

}  // namespace stream::http
