// Listen: the source behind stream-listen.
#pragma once

#include <memory>

#include "snapshot/state_store.h"
#include "stages/kit/inbox.h"
#include "stages/kit/message_source.h"
#include "stages/listen/intake.h"

namespace stream::listen {

PlanAnswer plan(const PlanRequest& request);

class Listen final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);
  ~Listen() override;

  Result<Poll> poll(Emitter& out) override;
  int wake_fd() const override { return wake_fd_; }
  Microseconds idle_wait() const override;
  SpoolPosition spool_position() const override { return begun_ ? inbox_.position() : SpoolPosition(); }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  Listen(Context& context, IntakeOptions options);
  Status begin(const SpoolPosition& from);
  void watch(int fd, bool on) const;
  Status take_in();
  Status add(std::string_view record, Emitter& out);

  Context& context_;
  const IntakeOptions options_;
  StateTable& table_;
  std::unique_ptr<MessageRows> rows_;
  Inbox inbox_;
  std::unique_ptr<Intake> intake_;
  bool begun_ = false;
  bool hears_ = false;  // the intake wakes
  int wake_fd_;
};

}  // namespace stream::listen
