#include "stages/nats/puller.h"

#include <algorithm>

namespace stream {
namespace {

constexpr std::int64_t kConsumerLivesNanoseconds = 60'000'000'000;  // without a request
constexpr std::int64_t kNoWaitNanoseconds = 2'000'000'000;          // for the answer that nothing is there

struct MetaFree {
  void operator()(jsMsgMetaData* data) const { jsMsgMetaData_Destroy(data); }
};

}  // namespace

std::string_view NatsMessage::id() const {
  const char* value = nullptr;
  return natsMsgHeader_Get(message.get(), "Nats-Msg-Id", &value) == NATS_OK && value != nullptr ? value : "";
}

Result<std::unique_ptr<NatsPuller>> NatsPuller::open(const NatsConnection& connection, const NatsPull& pull) {
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = pull.stream.c_str();
  options.ManualAck = true;
  options.Config.AckPolicy = js_AckNone;
  options.Config.InactiveThreshold = kConsumerLivesNanoseconds;
  options.Config.HeadersOnly = pull.headers_only;
  options.Config.MemoryStorage = true;
  options.Config.Replicas = 1;
  if (pull.from != 0) {
    options.Config.DeliverPolicy = js_DeliverByStartSequence;
    options.Config.OptStartSeq = pull.from;
  } else if (pull.time != 0) {
    options.Config.DeliverPolicy = js_DeliverByStartTime;
    options.Config.OptStartTime = std::min(pull.time, INT64_MAX / 1000) * 1000;
  }
  std::unique_ptr<NatsPuller> out(new NatsPuller(connection));
  auto code = static_cast<jsErrCode>(0);
  const char* subject = pull.subject.empty() ? ">" : pull.subject.c_str();
  natsStatus status =
      js_PullSubscribe(&out->subscription_, connection.js(), subject, nullptr, nullptr, &options, &code);
  if (status != NATS_OK) return nats_error("read stream '" + pull.stream + "'", status, code);
  jsConsumerInfo* info = nullptr;
  status = natsSubscription_GetConsumerInfo(&info, out->subscription_, nullptr, &code);
  if (status != NATS_OK) return nats_error("read stream '" + pull.stream + "'", status, code);
  out->waiting_ = info->NumPending;
  jsConsumerInfo_Destroy(info);
  return out;
}

NatsPuller::~NatsPuller() {
  if (subscription_ == nullptr) return;
  natsSubscription_Unsubscribe(subscription_);
  natsSubscription_Destroy(subscription_);
}

Result<std::vector<NatsMessage>> NatsPuller::request(jsFetchRequest request) {
  natsMsgList list{};
  const natsStatus status = natsSubscription_FetchRequest(&list, subscription_, &request);
  std::vector<NatsMessage> out;
  if (status == NATS_TIMEOUT || status == NATS_NOT_FOUND) return out;
  if (status != NATS_OK) return nats_error("get messages", status);
  Status error;
  for (int i = 0; i < list.Count; ++i) {
    NatsMessage message;
    message.message.reset(std::exchange(list.Msgs[i], nullptr));
    jsMsgMetaData* found = nullptr;
    if (natsMsg_GetMetaData(&found, message.message.get()) != NATS_OK) continue;
    const std::unique_ptr<jsMsgMetaData, MetaFree> data(found);
    if (data->Sequence.Consumer != delivered_ + 1) {
      error = failed("unable to get messages: one was lost on the way");
      break;  // what came before is whole, and the next request finds the gap again
    }
    ++delivered_;
    message.sequence = data->Sequence.Stream;
    message.behind = data->NumPending;
    message.time = data->Timestamp / 1000;
    out.push_back(std::move(message));
  }
  natsMsgList_Destroy(&list);
  if (out.empty() && !error.ok()) return error;
  return out;
}

Result<std::vector<NatsMessage>> NatsPuller::fetch(int most, Microseconds wait) {
  jsFetchRequest now;
  jsFetchRequest_Init(&now);
  now.Batch = most;
  now.NoWait = true;
  now.Expires = kNoWaitNanoseconds;
  STREAM_ASSIGN(std::vector<NatsMessage> messages, request(now));
  // What was under way then is lost, and nothing later would show it before the next message.
  if (messages.empty() && connection_.reconnects() != reconnects_) {
    return failed("unable to get messages: the connection was lost");
  }
  if (!messages.empty() || wait <= 0) return messages;
  jsFetchRequest later;
  jsFetchRequest_Init(&later);
  later.Batch = 1;
  later.Expires = wait * 1000;
  return request(later);
}

}  // namespace stream
