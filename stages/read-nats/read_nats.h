// ReadNats: the source behind stream-read-nats.
#pragma once

#include <memory>

#include "snapshot/state_store.h"
#include "stages/read-nats/stream_reader.h"

namespace stream {

PlanAnswer plan_read_nats(const PlanRequest& request);

class ReadNats final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);

  Result<Poll> poll(Emitter& out) override;
  int wake_fd() const override { return reader_ == nullptr ? -1 : reader_->wake_fd(); }
  Microseconds idle_wait() const override { return 1'000'000; }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  ReadNats(Context& context, StreamReading reading);
  void start();
  Status add(const ReadMessage& read, Emitter& out);

  Context& context_;
  StreamReading reading_;
  StateTable& table_;
  std::unique_ptr<MessageRows> rows_;
  StreamPosition position_;
  std::unique_ptr<StreamReader> reader_;
};

}  // namespace stream
