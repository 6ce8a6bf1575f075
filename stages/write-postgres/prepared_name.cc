#include "stages/write-postgres/prepared_name.h"

#include "transport/base/text.h"

namespace stream {

std::string to_string(const PreparedName& name) {
  return "stream:" + name.run + ":" + name.stage + ":" + std::to_string(name.instance) + ":" +
         std::to_string(name.attempt) + ":" + std::to_string(name.epoch);
}

std::optional<PreparedName> parse_prepared_name(std::string_view text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() != 6 || parts[0] != "stream") return std::nullopt;
  const auto instance = parse_integer(parts[3]);
  const auto attempt = parse_integer(parts[4]);
  const auto epoch = parse_integer(parts[5]);
  if (!instance.ok() || !attempt.ok() || !epoch.ok()) return std::nullopt;
  return PreparedName{parts[1], parts[2], static_cast<std::uint32_t>(*instance), static_cast<std::uint32_t>(*attempt),
                      static_cast<std::uint64_t>(*epoch)};
}

}  // namespace stream
