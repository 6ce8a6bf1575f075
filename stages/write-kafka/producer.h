// Producer: messages of one transactional id into a topic, an epoch a transaction.
//
// open() resolves what an earlier process of this id has left behind and shuts it out, should it still live; from
// then on the mark tells what is committed. After any error it is of no more use: open another one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stages/kafka/client.h"
#include "stages/kit/retry.h"
#include "stages/write-kafka/commit_mark.h"
#include "stages/write-kafka/message_columns.h"

namespace stream {

struct ProducerSetup {
  const Values& options;
  std::string folder;
  std::string topic;
  std::string id;  // transactional id, and name of the group that holds the mark; "" = no transactions
  Microseconds patience = 0;
  std::shared_ptr<Trouble> trouble;  // what it waits for
};

class Producer final : private KafkaEvents {
 public:
  // Errors: kNotFound if there is no such topic, or brokers that start do not know it yet.
  static Result<std::unique_ptr<Producer>> open(ProducerSetup setup);
  ~Producer() override;

  // The mark that is committed, if there is one.
  Result<std::optional<CommitMark>> mark() const;

  Status begin();
  // Waits where too many messages are under way. Errors: kUsage if there is no such partition.
  Status add(std::string_view payload, const MessageHead& head);
  // All messages since begin() and the mark, at once or not at all. Errors: kUsage if the brokers refuse a
  // message, else kFailed, and whether it is committed is known to the brokers alone.
  Status commit(const CommitMark& mark);
  // Without transactions: waits until all messages are stored.
  Status flush();

 private:
  explicit Producer(ProducerSetup setup) : setup_(std::move(setup)) {}
  void delivered(const rd_kafka_message_t& message) override;
  Status find_topic() const;
  using Call = std::function<rd_kafka_error_t*(int milliseconds)>;
  Status in_steps(const std::string& doing, int step_milliseconds, const Call& call) const;
  Status error_of(const std::string& doing, rd_kafka_error_t* error) const;
  int patience_milliseconds() const { return static_cast<int>(setup_.patience / 1000); }

  const ProducerSetup setup_;
  Status error_;  // of the first message that was not stored
  KafkaClient client_;
};

}  // namespace stream
