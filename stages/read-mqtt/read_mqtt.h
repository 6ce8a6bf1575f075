// ReadMqtt: the source behind stream-read-mqtt.
#pragma once

#include <memory>

#include "snapshot/state_store.h"
#include "stages/kit/message_source.h"
#include "stages/read-mqtt/client.h"

namespace stream::mqtt {

PlanAnswer plan(const PlanRequest& request);

class ReadMqtt final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);
  ~ReadMqtt() override;

  Result<Poll> poll(Emitter& out) override;
  int wake_fd() const override { return mailbox_.wake_fd(); }
  Microseconds idle_wait() const override { return 500'000; }
  SpoolPosition spool_position() const override { return begun_ ? mailbox_.position() : SpoolPosition(); }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  ReadMqtt(Context& context, Subscription subscription);
  Status begin(const SpoolPosition& from);
  Status add(std::string_view record, Emitter& out);

  Context& context_;
  const Subscription subscription_;
  StateTable& table_;
  std::unique_ptr<MessageRows> rows_;
  Held held_;  // as of what has been read
  // These two are left behind when the stage ends, see the destructor.
  Mailbox& mailbox_;
  Client* client_ = nullptr;  // once all that was in the inbox has been read
  bool begun_ = false;
};

}  // namespace stream::mqtt
