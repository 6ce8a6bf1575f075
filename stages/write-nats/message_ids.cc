#include "stages/write-nats/message_ids.h"

#include <charconv>

namespace stream {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string MessageIds::prefix(Committable committable) const {
  return run_ + "/" + stage_ + "/" + std::to_string(committable.origin) + "/" +
         std::to_string(committable.epoch.value()) + "/";
}

std::string MessageIds::id(Committable committable, std::uint64_t row) const {
  return prefix(committable) + std::to_string(row);
}

std::optional<std::uint64_t> MessageIds::row_of(Committable committable, std::string_view id) const {
  const std::string start = prefix(committable);
  if (!id.starts_with(start)) return std::nullopt;
  return number(id.substr(start.size()));
}

std::optional<Epoch> MessageIds::epoch_of(std::string_view id) const {
  const std::string start = run_ + "/" + stage_ + "/";
  if (!id.starts_with(start)) return std::nullopt;
  id.remove_prefix(start.size());
  const std::size_t instance_end = id.find('/');
  if (instance_end == std::string_view::npos) return std::nullopt;
  id.remove_prefix(instance_end + 1);
  const auto epoch = number(id.substr(0, id.find('/')));
  return epoch ? std::optional(Epoch(*epoch)) : std::nullopt;
}

}  // namespace stream
