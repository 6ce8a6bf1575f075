// What brokers send and inboxes hold: answers of Redis, packets of MQTT, letters. The first byte picks which.
#include <cstdint>

#include "stages/listen/intake.h"
#include "stages/read-mqtt/letter.h"
#include "stages/read-redis/entry_reader.h"
#include "stages/redis/fields.h"
#include "transport/base/check.h"

namespace {

using namespace stream;

struct ReaderFree {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

void look_at(const redisReply& reply) {
  (void)entry_id_of(reply);
  (void)fields_record(reply);
  (void)field_of(reply, "a");
  (void)redis_stream_info(reply);
  (void)redis_error(reply);
  for (const redisReply* item : redis_items(reply)) {
    if (item != nullptr) look_at(*item);
  }
}

void read_redis(std::string_view bytes) {
  const std::unique_ptr<redisReader, ReaderFree> reader(redisReaderCreate());
  redisReaderFeed(reader.get(), bytes.data(), bytes.size());
  void* reply = nullptr;
  while (redisReaderGetReply(reader.get(), &reply) == REDIS_OK && reply != nullptr) {
    const RedisReply owned(static_cast<redisReply*>(std::exchange(reply, nullptr)));
    look_at(*owned);
  }
}

void read_mqtt(unsigned char head, std::string_view body) {
  const auto letter = mqtt::published(head, body);
  if (!letter.ok()) return;
  const std::string sealed = mqtt::sealed(*letter);
  const auto again = mqtt::opened(sealed);
  STREAM_CHECK(again.ok() && again->topic == letter->topic && again->payload == letter->payload);
  STREAM_CHECK(mqtt::mark_of(*again) == mqtt::mark_of(*letter));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    read_redis(bytes);
  } else {
    read_mqtt(data[1], bytes.substr(1));
    (void)mqtt::opened(bytes);
    (void)listen::opened(bytes);
  }
  return 0;
}
