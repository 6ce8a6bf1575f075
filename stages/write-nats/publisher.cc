#include "stages/write-nats/publisher.h"

#include <algorithm>

namespace stream {
namespace {

constexpr std::int64_t kUnderWay = 4096;
constexpr std::int64_t kLookEveryMilliseconds = 200;
constexpr std::int64_t kStallMilliseconds = 5'000;

}  // namespace

void Publisher::on_answer(jsCtx*, natsMsg* message, jsPubAck* stored, jsPubAckErr* error, void* self) {
  auto& publisher = *static_cast<Publisher*>(self);
  {
    const std::lock_guard lock(publisher.mutex_);
    if (stored != nullptr) publisher.last_sequence_ = std::max(publisher.last_sequence_, stored->Sequence);
    if (error != nullptr && publisher.error_.ok()) {
      const bool refused = nats_refused(error->Err, error->ErrCode);
      const std::string why = error->ErrText != nullptr ? error->ErrText : natsStatus_GetText(error->Err);
      const std::string what = "unable to publish to subject '" + publisher.subject_ + "': " + why;
      publisher.error_ = refused ? usage_error(what) : failed(what);
    }
  }
  natsMsg_Destroy(message);
}

Result<std::unique_ptr<Publisher>> Publisher::open(std::unique_ptr<NatsConnection> connection, std::string subject,
                                                   Microseconds patience) {
  std::unique_ptr<Publisher> out(new Publisher(std::move(connection), std::move(subject), patience));
  out->reconnects_ = out->connection_->reconnects();
  jsOptions options;
  jsOptions_Init(&options);
  options.PublishAsync.MaxPending = kUnderWay;
  options.PublishAsync.StallWait = std::clamp<std::int64_t>(patience / 1000, 1, kStallMilliseconds);
  options.PublishAsync.AckHandler = on_answer;
  options.PublishAsync.AckHandlerClosure = out.get();
  const natsStatus status = natsConnection_JetStream(&out->js_, out->connection_->raw(), &options);
  if (status != NATS_OK) return nats_error("publish", status);
  return out;
}

Publisher::~Publisher() {
  connection_.reset();  // no answer comes any more
  jsCtx_Destroy(js_);
}

Status Publisher::first_error() {
  const std::lock_guard lock(mutex_);
  return error_;
}

// Whoever waits for the library to connect again waits in vain: answers to what was under way come over no other
// connection.
Status Publisher::lost() const {
  return failed("unable to publish to subject '" + subject_ + "': the connection was lost");
}

Status Publisher::publish(std::string_view payload, const std::string& id) {
  STREAM_TRY(first_error());
  if (!connection_->connected()) return lost();
  natsMsg* message = nullptr;
  natsStatus status =
      natsMsg_Create(&message, subject_.c_str(), nullptr, payload.data(), static_cast<int>(payload.size()));
  if (status != NATS_OK) return nats_error("publish to subject '" + subject_ + "'", status);
  jsPubOptions options;
  jsPubOptions_Init(&options);
  options.MsgId = id.empty() ? nullptr : id.c_str();
  status = js_PublishMsgAsync(js_, &message, &options);
  natsMsg_Destroy(message);  // null where the client has taken it
  if (status == NATS_OK) return {};
  Status error = nats_error("publish to subject '" + subject_ + "'", status);
  return status == NATS_MAX_PAYLOAD ? usage_error(error.what()) : error;
}

Status Publisher::finish() {
  jsPubOptions options;
  jsPubOptions_Init(&options);
  options.MaxWait = kLookEveryMilliseconds;
  for (Microseconds waited = 0; waited < patience_; waited += kLookEveryMilliseconds * 1000) {
    const natsStatus status = js_PublishAsyncComplete(js_, &options);
    STREAM_TRY(first_error());
    if (status == NATS_OK) return {};
    if (status != NATS_TIMEOUT) return nats_error("publish to subject '" + subject_ + "'", status);
    if (!connection_->connected() || connection_->reconnects() != reconnects_) return lost();
  }
  return failed("unable to publish to subject '" + subject_ + "': the server does not answer");
}

std::uint64_t Publisher::last_sequence() {
  const std::lock_guard lock(mutex_);
  return last_sequence_;
}

}  // namespace stream
