#include "supervisor/memory_size.h"

#include "transport/base/text.h"

namespace stream {

Result<std::uint64_t> parse_memory(std::string_view text) {
  STREAM_ASSIGN(const std::uint64_t size, parse_size(text));
  if (parse_integer(text).ok()) {
    return usage_error("'" + std::string(text) + "' has no unit; write one like " + std::string(text) + "MiB or " +
                       std::string(text) + "GiB");
  }
  if (size >= kMemoryLeast) return size;
  return usage_error("'" + std::string(text) +
                     "' is too little: programs, libraries and batches under way need 32MiB; state that does not fit "
                     "goes to disk");
}

}  // namespace stream
