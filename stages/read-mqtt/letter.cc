#include "stages/read-mqtt/letter.h"

#include <cstring>

namespace stream::mqtt {
namespace {

struct Head {
  std::int64_t received;
  std::uint16_t packet;
  std::uint16_t topic_size;
  std::uint8_t qos;
  std::uint8_t retained;
  std::uint8_t release;
  std::uint8_t unused;
};
static_assert(sizeof(Head) == 16);

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]) * 256U + static_cast<unsigned char>(bytes[at + 1]);
}

}  // namespace

std::uint64_t mark_of(const Letter& letter) {
  std::uint64_t mark = 14695981039346656037U;  // FNV-1a
  const auto add = [&](unsigned char byte) { mark = (mark ^ byte) * 1099511628211U; };
  for (const char c : letter.topic) add(static_cast<unsigned char>(c));
  add(0);
  for (const char c : letter.payload) add(static_cast<unsigned char>(c));
  return mark;
}

std::string sealed(const Letter& letter) {
  const Head head{letter.received,
                  letter.packet,
                  static_cast<std::uint16_t>(letter.topic.size()),
                  letter.qos,
                  letter.retained,
                  letter.release,
                  0};
  std::string record(sizeof head, '\0');
  std::memcpy(record.data(), &head, sizeof head);
  return record.append(letter.topic).append(letter.payload);
}

Result<Letter> opened(std::string_view record) {
  Head head{};
  if (record.size() < sizeof head) return corrupt("the inbox holds what is no message");
  std::memcpy(&head, record.data(), sizeof head);
  record.remove_prefix(sizeof head);
  if (record.size() < head.topic_size) return corrupt("the inbox holds what is no message");
  Letter out;
  out.received = head.received;
  out.packet = head.packet;
  out.qos = head.qos;
  out.retained = head.retained != 0;
  out.release = head.release != 0;
  out.topic = record.substr(0, head.topic_size);
  out.payload = record.substr(head.topic_size);
  return out;
}

Result<Letter> published(unsigned char head, std::string_view body) {
  const auto wrong = [] { return corrupt("the broker has sent a packet that is cut short"); };
  if (body.size() < 2) return wrong();
  const std::size_t topic_size = number_at(body, 0);
  if (body.size() < 2 + topic_size + 2) return wrong();
  Letter out;
  out.qos = (head >> 1) & 3;
  out.retained = (head & 1) != 0;
  out.topic = body.substr(2, topic_size);
  out.packet = static_cast<std::uint16_t>(number_at(body, 2 + topic_size));
  out.payload = body.substr(2 + topic_size + 2);
  return out;
}

}  // namespace stream::mqtt
