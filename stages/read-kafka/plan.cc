#include <utility>

#include "stages/read-kafka/about.h"
#include "stages/read-kafka/read_kafka.h"

namespace stream {
namespace {

constexpr std::int64_t kSampleMessages = 10'000;
constexpr std::size_t kSampleBytes = 1 << 20;
constexpr int kSampleWaitMilliseconds = 50;
constexpr int kSampleWaitsMax = 100;  // in silence

// The messages of one partition, from its oldest on, until there is enough or it ends.
Status sample_partition(rd_kafka_t* client, const std::string& topic, std::int32_t id, const FormatOptions& format,
                        InputBuffer& to) {
  STREAM_ASSIGN(const OffsetRange range, offset_range(client, topic, id));
  if (range.low >= range.high) return {};
  PartitionReader partition(client, {topic, id, range.low, range.high}, range.high, true, -1);
  STREAM_TRY(partition.start());
  const auto keep = [&](const rd_kafka_message_t& message) {
    const std::string_view payload(static_cast<const char*>(message.payload), message.len);
    if (!payload.empty()) append_message(format, payload, to);
    return Status();
  };
  std::int64_t seen = range.low;
  for (int silent = 0; !partition.ended() && silent < kSampleWaitsMax && to.bytes().size() < kSampleBytes; ++silent) {
    STREAM_TRY(partition.read(keep, kSampleWaitMilliseconds).status());
    if (partition.position().next >= range.low + kSampleMessages) break;
    if (std::exchange(seen, partition.position().next) != partition.position().next) silent = 0;
  }
  return {};
}

Status sample(const PlanRequest& request, const FormatOptions& format, InputBuffer& to) {
  STREAM_ASSIGN(KafkaSettings settings, KafkaSettings::from(request.options, request.folder));
  STREAM_TRY(settings.set("enable.partition.eof", "true"));
  STREAM_TRY(settings.set("enable.auto.commit", "false"));
  KafkaEvents events;
  STREAM_ASSIGN(const KafkaClient client, std::move(settings).make(RD_KAFKA_CONSUMER, events));
  for (const std::string& topic : request.options.list("topic")) {
    STREAM_ASSIGN(const std::int32_t count, count_partitions(client.get(), topic));
    for (std::int32_t id = 0; id < count && to.bytes().size() < kSampleBytes; ++id) {
      STREAM_TRY(sample_partition(client.get(), topic, id, format, to));
    }
  }
  if (!to.bytes().empty()) return {};
  return {Code::kNotFound, "topic '" + request.options.list("topic")[0] + "' has no message yet to find the schema in"};
}

}  // namespace

PlanAnswer plan_read_kafka(const PlanRequest& request) {
  PlanAnswer wrong;
  wrong.errors = check_kafka_security(request.options);
  if (!wrong.errors.empty()) return wrong;
  const auto sampler = [&](const FormatOptions& format, InputBuffer& to) { return sample(request, format, to); };
  PlanAnswer answer = plan_message_source(request, {kAboutKafka, sampler});
  answer.state.push_back(splits_spec());
  answer.state.push_back(topics_spec());
  return answer;
}

}  // namespace stream
