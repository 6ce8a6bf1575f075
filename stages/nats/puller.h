// NatsPuller: the messages of a stream from a sequence number on, in order and without a gap.
//
// Behind it is a consumer of the server that lives no longer than this object and acknowledges nothing: what
// has been read is known to the reader. The server numbers what it delivers, so a lost message shows; then,
// and after a lost connection, make another one from the sequence that is wanted next.
#pragma once

#include <memory>
#include <vector>

#include "stages/nats/connection.h"

namespace stream {

struct NatsMessage {
  struct Free {
    void operator()(natsMsg* gone) const { natsMsg_Destroy(gone); }
  };
  std::unique_ptr<natsMsg, Free> message;
  std::uint64_t sequence = 0;
  std::uint64_t behind = 0;  // messages that were there behind this one when it was delivered
  Microseconds time = 0;     // when the server got it

  std::string_view payload() const {
    return {natsMsg_GetData(message.get()), static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))};
  }
  std::string_view subject() const { return natsMsg_GetSubject(message.get()); }
  std::string_view id() const;  // Nats-Msg-Id, or ""
};

struct NatsPull {
  std::string stream;
  std::string subject;     // "" = all
  std::uint64_t from = 0;  // sequence; 0: from `time` on
  Microseconds time = 0;   // 0: from the first message on
  bool headers_only = false;
};

class NatsPuller {
 public:
  static Result<std::unique_ptr<NatsPuller>> open(const NatsConnection& connection, const NatsPull& pull);
  ~NatsPuller();
  NatsPuller(const NatsPuller&) = delete;
  NatsPuller& operator=(const NatsPuller&) = delete;

  // How many messages waited when it was opened.
  std::uint64_t waiting() const { return waiting_; }

  // What is there, at most `most` messages; if there is nothing, waits up to `wait` for one. Errors: kFailed if the
  // connection or the consumer was lost, or a message: open another one.
  Result<std::vector<NatsMessage>> fetch(int most, Microseconds wait);

 private:
  explicit NatsPuller(const NatsConnection& connection)
      : connection_(connection), reconnects_(connection.reconnects()) {}
  Result<std::vector<NatsMessage>> request(jsFetchRequest request);

  const NatsConnection& connection_;
  const std::uint64_t reconnects_;  // before it was opened
  natsSubscription* subscription_ = nullptr;
  std::uint64_t waiting_ = 0;
  std::uint64_t delivered_ = 0;  // of this consumer
};

}  // namespace stream
