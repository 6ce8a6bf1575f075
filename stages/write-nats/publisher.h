// Publisher: messages into a JetStream stream, many under way at once, each acknowledged by the server.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "stages/nats/connection.h"

namespace stream {

class Publisher {
 public:
  // On `connection`, whose only publisher it is. `patience`: how long an answer may take.
  static Result<std::unique_ptr<Publisher>> open(std::unique_ptr<NatsConnection> connection, std::string subject,
                                                 Microseconds patience);
  ~Publisher();

  const NatsConnection& connection() const { return *connection_; }

  // Sends a message; waits where too many are under way. `id`: "" = none.
  Status publish(std::string_view payload, const std::string& id);
  // Waits until all are acknowledged. Errors: kUsage if the server refused one, else kFailed: which are stored is
  // not known then, and this object of no more use.
  Status finish();

  // The highest sequence number the server has told.
  std::uint64_t last_sequence();

 private:
  Publisher(std::unique_ptr<NatsConnection> connection, std::string subject, Microseconds patience)
      : connection_(std::move(connection)), subject_(std::move(subject)), patience_(patience) {}
  static void on_answer(jsCtx* js, natsMsg* message, jsPubAck* stored, jsPubAckErr* error, void* self);
  Status first_error();
  Status lost() const;

  std::unique_ptr<NatsConnection> connection_;
  jsCtx* js_ = nullptr;
  const std::string subject_;
  const Microseconds patience_;
  std::uint64_t reconnects_ = 0;

  std::mutex mutex_;  // guards what follows: answers come on the client's threads
  Status error_;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace stream
