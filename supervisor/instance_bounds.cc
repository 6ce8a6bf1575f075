#include "supervisor/instance_bounds.h"

#include "transport/base/text.h"

namespace stream {

Result<InstanceBounds> parse_bounds(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots != std::string_view::npos) {
    const auto least = parse_integer(std::string(text.substr(0, dots)));
    const auto most = parse_integer(std::string(text.substr(dots + 2)));
    if (least.ok() && most.ok() && *least >= 1 && *least <= *most && *most <= kInstancesMax)
      return InstanceBounds{static_cast<std::uint32_t>(*least), static_cast<std::uint32_t>(*most)};
  }
  return usage_error("'" + std::string(text) +
                     "' is not MIN..MAX with 1 <= MIN <= MAX <= " + std::to_string(kInstancesMax) + ", such as 1..8");
}

std::string to_string(const InstanceBounds& bounds) {
  return std::to_string(bounds.least) + ".." + std::to_string(bounds.most);
}

}  // namespace stream
