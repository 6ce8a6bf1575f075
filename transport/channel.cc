#include "transport/channel.h"

#include <zmq.h>

namespace stream {
namespace {

constexpr std::uint64_t kCreditEvery = 32 * 1024;  // frame bytes

FrameHeader header_of(const ChannelIdentity& identity, FrameKind kind, Sequence sequence) {
  FrameHeader header;
  header.kind = kind;
  header.run = identity.run;
  header.attempt = identity.attempt;
  header.channel = identity.channel;
  header.sequence = sequence;
  return header;
}

bool same_channel(const FrameHeader& header, const ChannelIdentity& identity) {
  return header.run == identity.run && header.attempt == identity.attempt && header.channel == identity.channel;
}

Status peer_gone(const ChannelIdentity& identity, std::string_view why) {
  return {Code::kPeerGone, "lost '" + identity.peer + "': " + std::string(why)};
}

void prepare_tcp(Socket& socket, Socket::Side side, const Transport& transport, const std::string& endpoint) {
  if (!endpoint.starts_with("tcp://")) return;
  if (transport.keys()) socket.encrypt(side, *transport.keys());
  socket.watch(transport.silence());
}

}  // namespace

Result<Receiver> Receiver::bind(Transport& transport, const std::string& endpoint, ChannelIdentity identity) {
  Receiver receiver;
  receiver.socket_ = Socket(transport, ZMQ_DEALER, true);
  if (!receiver.socket_.open()) return Status(Code::kSystem, "unable to make a socket for '" + endpoint + "'");
  receiver.socket_.set_message_max(kFrameHeaderSize + kFrameBodyMax);
  prepare_tcp(receiver.socket_, Socket::Side::kBinds, transport, endpoint);
  STREAM_TRY(receiver.socket_.bind(endpoint, &receiver.endpoint_));
  receiver.identity_ = std::move(identity);
  return receiver;
}

Result<std::optional<Received>> Receiver::receive() {
  auto frame = socket_.receive();
  if (!frame.ok()) return std::move(frame).status();
  if (*frame) return accept(std::move(**frame));
  // Frames that arrived before the connection broke come first; only then is the loss an error. The
  // monitor is read after `end` too: what nobody reads there wakes every wait at once.
  if (socket_.connection_lost() && !ended_) {
    auto last = socket_.receive();
    if (last.ok() && *last) return accept(std::move(**last));
    return peer_gone(identity_, "connection closed before the end of its data");
  }
  return std::optional<Received>();
}

Result<std::optional<Received>> Receiver::accept(Buffer frame) {
  STREAM_ASSIGN(const FrameHeader header, decode_header({frame.data(), frame.size()}));
  if (!same_channel(header, identity_)) {
    ++refused_;
    return std::optional<Received>();
  }
  if (opened_ && header.kind == FrameKind::kOpen) {
    return Status(Code::kPeerGone, "a second sender has connected to '" + identity_.peer +
                                       "', which takes one; give each an address of its own: --in once for each");
  }
  if (header.sequence != next_) {
    return peer_gone(identity_, "frame " + std::to_string(header.sequence.value()) + " came where " +
                                    std::to_string(next_.value()) + " was due");
  }
  next_ = next_.next();
  if (!opened_ && header.kind != FrameKind::kOpen) return corrupt("frame: `open` must come first");
  opened_ = true;
  Received received{header, {}, {}, frame.size()};
  switch (header.kind) {
    case FrameKind::kOpen:
      received.schema.assign(reinterpret_cast<const char*>(frame.data()) + kFrameHeaderSize, header.body_size);
      break;
    case FrameKind::kData: {
      if (ended_) return corrupt("frame: data after `end`");
      STREAM_ASSIGN(received.batch, decode_batch(header, aligned(std::move(frame)), schema_));
      break;
    }
    case FrameKind::kEnd: ended_ = true; break;
    case FrameKind::kBarrier:
    case FrameKind::kWatermark: break;
    case FrameKind::kCredit:
    case FrameKind::kClosed: return corrupt("frame: a credit came from a sender");
  }
  return std::optional<Received>(std::move(received));
}

Status Receiver::send_back(FrameHeader header) {
  header.sequence = sent_back_;
  const std::string bytes = encode_header(header);
  STREAM_ASSIGN(const bool sent, socket_.send(bytes.data(), bytes.size()));
  if (sent) sent_back_ = sent_back_.next();
  return {};
}

Status Receiver::consumed(std::size_t size_bytes) {
  consumed_ += size_bytes;
  return consumed_ - credited_ >= kCreditEvery ? flush_credits() : Status();
}

Status Receiver::flush_credits() {
  if (consumed_ == credited_) return {};
  FrameHeader header = header_of(identity_, FrameKind::kCredit, sent_back_);
  header.consumed_bytes = consumed_;
  const Sequence before = sent_back_;
  STREAM_TRY(send_back(header));
  if (sent_back_ != before) credited_ = consumed_;
  return {};
}

Status Receiver::acknowledge_end() {
  STREAM_TRY(flush_credits());
  return send_back(header_of(identity_, FrameKind::kClosed, sent_back_));
}

Result<Sender> Sender::connect(Transport& transport, const std::string& endpoint, ChannelIdentity identity,
                               std::uint64_t budget_bytes, bool until_listening) {
  Sender sender;
  sender.socket_ = Socket(transport, ZMQ_DEALER, true);
  if (!sender.socket_.open()) return Status(Code::kSystem, "unable to make a socket for '" + endpoint + "'");
  sender.socket_.set_message_max(kFrameHeaderSize);  // credits have no body
  sender.socket_.set(ZMQ_RECONNECT_IVL, until_listening ? 20 : -1);
  prepare_tcp(sender.socket_, Socket::Side::kConnects, transport, endpoint);
  STREAM_TRY(sender.socket_.connect(endpoint));
  sender.identity_ = std::move(identity);
  sender.endpoint_ = endpoint;
  sender.tries_again_ = until_listening;
  sender.window_ = SendWindow(budget_bytes);
  return sender;
}

Status Sender::open(const Schema& schema, Microseconds now_wall) {
  FrameHeader header = header_of(identity_, FrameKind::kOpen, next_);
  header.created_us = now_wall;
  next_ = next_.next();
  const std::string bytes = encode_text(header, schema_to_json(schema));
  ByteBuilder copy;
  copy.append(bytes.data(), bytes.size());
  return put(copy.finish());
}

Status Sender::send(FrameHeader header, const Batch* batch, Microseconds now_monotonic) {
  STREAM_CHECK(header.kind != FrameKind::kData || (batch != nullptr && !ended_));
  if (batch != nullptr && encoded_size(*batch) - kFrameHeaderSize > kFrameBodyMax) {
    return failed("a row of more than 1 GiB cannot be sent to '" + identity_.peer + "'");
  }
  header.run = identity_.run;
  header.attempt = identity_.attempt;
  header.channel = identity_.channel;
  header.sequence = next_;
  next_ = next_.next();
  if (header.kind == FrameKind::kEnd) ended_ = true;
  if (batch != nullptr) {
    Buffer frame = encode_batch(header, *batch);
    window_.sent(frame.size(), now_monotonic);
    return put(std::move(frame));
  }
  const std::string bytes = encode_header(header);
  ByteBuilder copy;
  copy.append(bytes.data(), bytes.size());
  return put(copy.finish());
}

Status Sender::put(Buffer frame) {
  if (stalled_.empty()) {
    STREAM_ASSIGN(const bool sent, socket_.send(frame));
    if (sent) return {};
  }
  stalled_.push_back(std::move(frame));
  return {};
}

Status Sender::service(Microseconds now_monotonic) {
  std::size_t done = 0;
  for (; done < stalled_.size(); ++done) {
    STREAM_ASSIGN(const bool sent, socket_.send(stalled_[done]));
    if (!sent) break;
  }
  stalled_.erase(stalled_.begin(), stalled_.begin() + static_cast<std::ptrdiff_t>(done));
  // In this order: what the receiver said before it went has arrived by the time its going shows.
  const bool lost = socket_.connection_lost();
  if (!tries_again_ && socket_.connection_refused()) return peer_gone(identity_, "no connection to it could be made");
  for (;;) {
    auto frame = socket_.receive();
    if (!frame.ok()) return std::move(frame).status();
    if (!*frame) break;
    STREAM_TRY(take(**frame, now_monotonic));
  }
  if (!closed_ && lost) { return peer_gone(identity_, "connection closed before it had everything"); }
  return {};
}

Status Sender::take(const Buffer& frame, Microseconds now) {
  STREAM_ASSIGN(const FrameHeader header, decode_header({frame.data(), frame.size()}));
  if (!same_channel(header, identity_)) return {};
  if (header.kind == FrameKind::kClosed && ended_) {
    closed_ = true;
    return {};
  }
  if (header.kind == FrameKind::kCredit && window_.credited(header.consumed_bytes, now)) return {};
  return corrupt("frame: impossible credit from '" + identity_.peer + "'");
}

}  // namespace stream
