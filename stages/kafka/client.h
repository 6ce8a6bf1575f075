// What the stages for Kafka share: options, and librdkafka's handles as C++ owns them.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "stages/kit/option.h"
#include "stages/kit/plan.h"
#include "stages/kit/tls_options.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr Option kKafkaServersOption{.name = "servers",
                                            .arg = "LIST",
                                            .doc = "Addresses of brokers, HOST:PORT; some are enough.",
                                            .fallback = "127.0.0.1:9092",
                                            .repeated = true};
inline constexpr Option kKafkaSecurityOption{.name = "security",
                                             .arg = "HOW",
                                             .doc = "Whether connections are encrypted (tls) and users named (sasl).",
                                             .kind = OptionKind::kChoice,
                                             .fallback = "plaintext",
                                             .choices = "plaintext|tls|sasl|sasl-tls"};
inline constexpr Option kKafkaMechanismOption{.name = "mechanism",
                                              .arg = "NAME",
                                              .doc = "How the password is proved, with sasl.",
                                              .kind = OptionKind::kChoice,
                                              .fallback = "plain",
                                              .choices = "plain|scram-sha-256|scram-sha-512"};
inline constexpr Option kKafkaUserOption{.name = "user", .arg = "NAME", .doc = "User name, with sasl."};
inline constexpr Option kKafkaPasswordOption{
    .name = "password", .arg = "SECRET", .doc = "Password of the user.", .kind = OptionKind::kSecret};
inline constexpr Option kKafkaPropertyOption{
    .name = "property",
    .arg = "NAME=VALUE",
    .doc = "Any other setting of librdkafka, such as fetch.wait.max.ms=50; what the stage sets itself stays.",
    .repeated = true};
inline constexpr Option kKafkaPatienceOption{
    .name = "patience",
    .arg = "DURATION",
    .doc = "How long the brokers may be away before the stage fails, and is restarted.",
    .kind = OptionKind::kDuration,
    .fallback = "30s"};

inline constexpr int kKafkaAnswerMilliseconds = 5'000;  // how long a broker may think about a question

struct KafkaFree {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_conf_t* settings) const { rd_kafka_conf_destroy(settings); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
  void operator()(rd_kafka_consumer_group_metadata_t* data) const { rd_kafka_consumer_group_metadata_destroy(data); }
  void operator()(const rd_kafka_metadata_t* data) const { rd_kafka_metadata_destroy(data); }
};
using KafkaClient = std::unique_ptr<rd_kafka_t, KafkaFree>;
using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, KafkaFree>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaFree>;
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, KafkaFree>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, KafkaFree>;
using KafkaPartitions = std::unique_ptr<rd_kafka_topic_partition_list_t, KafkaFree>;

// What a client tells while it works, on whatever thread serves it. Outlives the client.
class KafkaEvents {
 public:
  virtual ~KafkaEvents() = default;

  // What cannot become right by waiting: the user is refused, or the brokers are not trusted.
  Status refusal() const;
  // The last trouble with a connection, in the client's words; "" = none.
  std::string trouble() const;

  void note(rd_kafka_t* client, rd_kafka_resp_err_t error, std::string_view words);
  virtual void delivered(const rd_kafka_message_t& /*message*/) {}

 private:
  mutable std::mutex mutex_;
  Status refusal_;
  std::string trouble_;
};

// What is wrong with the options about security.
std::vector<PlanError> check_kafka_security(const Values& options);

// Settings of a client, until it is made.
class KafkaSettings {
 public:
  // Servers, security and properties from the options. Errors: kUsage.
  static Result<KafkaSettings> from(const Values& options, const std::string& folder);

  // For settings of the stage itself, which hold whatever `property` says.
  Status set(const std::string& name, const std::string& value);

  // Errors: kUsage if settings do not fit each other.
  Result<KafkaClient> make(rd_kafka_type_t type, KafkaEvents& events) &&;

 private:
  std::unique_ptr<rd_kafka_conf_t, KafkaFree> settings_;
};

// "unable to DOING: the client's words". kUsage where trying again cannot help: not allowed, too large. No such topic
// is not among them: a broker that starts says so of any.
Status kafka_error(const std::string& doing, rd_kafka_resp_err_t error, std::string_view words = {});

// What a call could not do, with what the client has told of itself meanwhile.
Status kafka_error(rd_kafka_t* client, const std::string& doing, rd_kafka_resp_err_t error);

// How many partitions a topic has. Errors: kNotFound if there is no such topic.
Result<std::int32_t> count_partitions(rd_kafka_t* client, const std::string& topic);

}  // namespace stream
