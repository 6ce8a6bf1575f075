#include <cstring>

#include "stages/listen/intake.h"

namespace stream::listen {
namespace {

struct Head {
  std::int64_t received;
  std::uint16_t peer_size;
  std::uint16_t too_long;
};

// Without the padding behind it.
constexpr std::size_t kHeadBytes = 12;

}  // namespace

std::string sealed(const Letter& letter) {
  const Head head{letter.received, static_cast<std::uint16_t>(letter.peer.size()), letter.too_long};
  std::string record(kHeadBytes, '\0');
  std::memcpy(record.data(), &head, kHeadBytes);
  return record.append(letter.peer).append(letter.payload);
}

Result<Letter> opened(std::string_view record) {
  Head head{};
  if (record.size() < kHeadBytes) return corrupt("the inbox holds what is no record");
  std::memcpy(&head, record.data(), kHeadBytes);
  if (record.size() - kHeadBytes < head.peer_size) return corrupt("the inbox holds what is no record");
  return Letter{head.received, record.substr(kHeadBytes, head.peer_size), head.too_long != 0,
                record.substr(kHeadBytes + head.peer_size)};
}

}  // namespace stream::listen
