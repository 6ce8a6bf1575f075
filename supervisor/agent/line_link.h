// LineLink: lines that go both ways over descriptors that never block.
#pragma once

#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

class LineLink {
 public:
  LineLink() = default;
  // Both may be the same. They are made non-blocking, and stay the caller's.
  LineLink(int in, int out);

  // Whole lines that have come, without their ends. Errors: kPeerGone at the end, kCorrupt for a line over 16 MiB.
  Status read(std::vector<std::string>& lines);
  void send(const std::string& line);
  // Sends what it can. Errors: kPeerGone.
  Status flush();
  std::size_t waiting() const { return out_.size(); }  // bytes not sent yet

 private:
  int in_fd_ = -1;
  int out_fd_ = -1;
  std::string in_;
  std::string out_;
};

}  // namespace stream
