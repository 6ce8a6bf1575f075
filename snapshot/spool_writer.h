// SpoolWriter: appends one input to a spool folder, durably.
#pragma once

#include <string>
#include <string_view>

#include "snapshot/spool.h"

namespace stream {

class SpoolWriter {
 public:
  struct Sizes {
    std::uint64_t first = 1 << 20;     // of the first segment, which stays: room for a header
    std::uint64_t segment = 16 << 20;  // of each other: what deleting goes by
  };

  // `folder` is absolute; `files` must outlive this.
  SpoolWriter(Files& files, std::string folder, Sizes sizes)
      : files_(files), folder_(std::move(folder)), sizes_(sizes) {}

  // Begins an input whose number is above that of every other one, and at least `at_least`.
  Status begin(std::uint64_t at_least);

  // Makes the bytes durable, then readable. After an error readers see nothing of them, and the same
  // bytes may be appended again. Segments grow a little beyond their sizes: bytes of one call stay together.
  Status append(std::string_view bytes);

  // Says durably that nothing follows.
  Status end();

  SpoolPosition position() const { return {input_, length_}; }  // behind what is durable

 private:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  Status tell(SpoolState state);

  Files& files_;
  const std::string folder_;
  const Sizes sizes_;
  std::uint64_t input_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t segment_ = 0;  // offset at which the last one begins
};

}  // namespace stream
