// Channels: one ZeroMQ DEALER-DEALER pair between two instances, with credits and loss detection.
//
//   Sender   --- open, data | watermark | barrier …, end, barrier … --->   Receiver
//            <--- credit …, closed -------------------------------------
//
// ZeroMQ can lose frames silently, so frames are numbered, sockets never reconnect, and a sender
// keeps its socket until the receiver has said `closed`. A gap, a lost connection or a foreign
// frame is an error of the channel (kPeerGone, kCorrupt), never a dropped or repeated frame.
// Nothing here blocks or throws. An object belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/curve.h"
#include "transport/frame.h"
#include "transport/send_window.h"

namespace stream {

// Sockets that one process may have. ZeroMQ sets memory aside for each of them when it starts.
inline constexpr std::size_t kSocketsMax = 2'730;

// A ZeroMQ context: one I/O thread, room for the sockets of one process.
class Transport {
 public:
  Transport();
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  void* context() const { return context_; }

  // From now on tcp channels are encrypted, and only holders of the same key get through. Once, before
  // the first of them.
  void encrypt_tcp(const CurveKeys& keys);
  const std::optional<CurveKeys>& keys() const { return keys_; }

  // A peer over tcp that says nothing for so long, not even that it is alive, is lost; 0: only when its connection
  // breaks, which a network that swallows everything does not do.
  void watch_tcp(Microseconds silence) { silence_ = silence; }
  Microseconds silence() const { return silence_; }

 private:
  void* context_;
  std::optional<CurveKeys> keys_;
  Microseconds silence_ = 0;
  std::unique_ptr<CurveGuard> guard_;
};

// A socket with its monitor, closed on destruction without lingering.
class Socket {
 public:
  Socket() = default;
  Socket(Transport& transport, int type, bool monitored);
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  void* handle() const { return socket_; }
  void* monitor() const { return monitor_; }
  bool open() const { return socket_ != nullptr; }
  void close();

  void set(int option, int value);
  void set_linger(int milliseconds);  // what was sent may still leave after close()
  // Before bind() and connect(). A peer that sends a longer message loses its connection.
  void set_message_max(std::size_t bytes);
  enum class Side : std::uint8_t { kBinds, kConnects };
  void encrypt(Side side, const CurveKeys& keys);
  void watch(Microseconds silence);  // see Transport::watch_tcp()
  Status bind(const std::string& endpoint, std::string* bound);
  Status connect(const std::string& endpoint);

  // True once the monitor has reported the end of an established connection.
  bool connection_lost();
  bool connection_made() const { return connected_; }
  bool connection_refused() const { return refused_; }
  // A peer was turned away, or turned us away: it has another key, or none.
  bool key_refused() const { return key_refused_; }
  std::size_t take_refused();  // how often since the last call

  // OK and false if the socket cannot take it now.
  Result<bool> send(const void* bytes, std::size_t size);
  Result<bool> send(Buffer bytes);  // without a copy
  Result<std::optional<Buffer>> receive();
  bool more() const;  // what was received last has further parts

 private:
  void drain_monitor();
  void take_event(unsigned kind, int descriptor);

  void* socket_ = nullptr;
  void* monitor_ = nullptr;
  bool connected_ = false;
  bool lost_ = false;
  bool refused_ = false;
  bool key_refused_ = false;
  std::size_t refusals_ = 0;
  std::size_t unproven_ = 0;   // connections that came in and have neither proved nor failed to have the key
  std::vector<int> accepted_;  // descriptors of connections that came in and are still open
};

// What every frame of a channel carries. By hand all is zero.
struct ChannelIdentity {
  RunId run{};
  Attempt attempt;
  ChannelId channel;
  std::string peer;  // "errors.0", or the endpoint by hand: for messages
};

struct Received {
  FrameHeader header;
  Batch batch;         // kData
  std::string schema;  // kOpen: JSON
  std::size_t size_bytes = 0;
};

class Receiver {
 public:
  // Binds. `endpoint` may end in ":*" (tcp). Errors: kSystem, naming the endpoint.
  static Result<Receiver> bind(Transport& transport, const std::string& endpoint, ChannelIdentity identity);

  const std::string& endpoint() const { return endpoint_; }
  const ChannelIdentity& identity() const { return identity_; }
  Socket& socket() { return socket_; }

  // The schema that data frames must have; set after `open`.
  void expect(SchemaPtr schema) { schema_ = std::move(schema); }
  const SchemaPtr& schema() const { return schema_; }

  // The next frame, if one waits. Errors: kPeerGone (connection lost, sequence gap), kCorrupt.
  Result<std::optional<Received>> receive();

  // The frame's rows have been processed. Credits are sent when enough has gathered, or by
  // flush_credits(), which is called soon after all that came has been processed.
  Status consumed(std::size_t size_bytes);
  Status flush_credits();
  bool owes_credits() const { return consumed_ != credited_; }

  // `end` has been processed: the sender may close.
  Status acknowledge_end();

  std::uint64_t refused_frames() const { return refused_; }

 private:
  Result<std::optional<Received>> accept(Buffer frame);
  Status send_back(FrameHeader header);

  Socket socket_;
  ChannelIdentity identity_;
  std::string endpoint_;
  SchemaPtr schema_;
  Sequence next_;
  Sequence sent_back_;
  std::uint64_t consumed_ = 0;
  std::uint64_t credited_ = 0;
  std::uint64_t refused_ = 0;
  bool opened_ = false;
  bool ended_ = false;
};

class Sender {
 public:
  // `until_listening`: try again until somebody listens; else one refusal is final. A connection
  // that was made and lost is an error in both cases.
  static Result<Sender> connect(Transport& transport, const std::string& endpoint, ChannelIdentity identity,
                                std::uint64_t budget_bytes, bool until_listening = false);

  const ChannelIdentity& identity() const { return identity_; }
  const std::string& endpoint() const { return endpoint_; }
  Socket& socket() { return socket_; }
  const SendWindow& window() const { return window_; }

  Status open(const Schema& schema, Microseconds now_wall);
  bool may_send() const { return stalled_.empty() && window_.may_send(); }

  // Data, watermark, barrier or end. Data wants may_send(); markers always go.
  Status send(FrameHeader header, const Batch* batch, Microseconds now_monotonic);

  // Takes in credits and `closed`, and sends what ZeroMQ could not take before. Errors: kPeerGone.
  Status service(Microseconds now_monotonic);

  bool closed() const { return closed_; }  // `end` was acknowledged

 private:
  Status put(Buffer frame);
  Status take(const Buffer& frame, Microseconds now);

  Socket socket_;
  ChannelIdentity identity_;
  std::string endpoint_;
  SendWindow window_{0};
  std::vector<Buffer> stalled_;
  bool tries_again_ = false;  // to connect
  Sequence next_;
  bool ended_ = false;
  bool closed_ = false;
};

// The endpoint of any free port of an address: "tcp://10.0.0.1:*".
std::string any_port(const std::string& address);

// Waits for any of several sockets and descriptors.
class Poller {
 public:
  void clear();
  void add(void* socket);       // readable
  void add_descriptor(int fd);  // readable; ignored if negative
  // Waits until one is ready or the time is over; 0 = only look, negative = for ever.
  Status wait(Microseconds timeout);

 private:
  struct Item;
  std::vector<std::byte> items_;  // zmq_pollitem_t, so that no ZeroMQ header is needed here
  std::size_t count_ = 0;
};

}  // namespace stream
