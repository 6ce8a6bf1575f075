// Letter: a message of a broker as a record of the inbox, or the word that a packet id is free again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::mqtt {

struct Letter {
  Microseconds received = 0;
  std::uint16_t packet = 0;  // id by which the broker knows it, until it is free again
  std::uint8_t qos = 0;
  bool retained = false;
  bool release = false;  // no message: the packet id is free again
  std::string_view topic;
  std::string_view payload;
};

// Tells a message from another one: the same for topic and payload that are the same, for ever.
std::uint64_t mark_of(const Letter& letter);

// Packet ids, each with the mark of its message.
using Held = std::map<std::uint16_t, std::uint64_t>;

std::string sealed(const Letter& letter);
// The views are of `record`. Errors: kCorrupt.
Result<Letter> opened(std::string_view record);

// What is in a packet PUBLISH of QoS 2, as it came: its first byte, and what stands behind its length. The view is
// of `body`. Errors: kCorrupt.
Result<Letter> published(unsigned char head, std::string_view body);

}  // namespace stream::mqtt
