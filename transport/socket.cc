#include <sys/resource.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "transport/channel.h"

namespace stream {
namespace {

constexpr int kHighWaterMark = 4096;       // a backstop: windows bound what is in flight long before
constexpr std::size_t kEncryption = 4096;  // room for CURVE, which adds to every message, and its handshake
constexpr int kSlotsOfSocket = 3;          // itself and both ends of its monitor
constexpr int kKernelBuffer = 1 << 20;     // steadiest throughput measured with 256 KiB frames

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Status zmq_error(std::string_view verb, std::string_view object) {
  std::string what = "unable to ";
  what.append(verb).append(" '").append(object).append("': ").append(zmq_strerror(zmq_errno()));
  return {Code::kSystem, std::move(what)};
}

void release_buffer(void* /*data*/, void* hint) { delete static_cast<Buffer*>(hint); }

// A message received from ZeroMQ that lives as long as a Buffer refers to it.
struct Message {
  zmq_msg_t message;
  Message() { zmq_msg_init(&message); }
  ~Message() { zmq_msg_close(&message); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
};

}  // namespace

Transport::Transport() : context_(zmq_ctx_new()) {
  STREAM_CHECK(context_ != nullptr);
  raise_descriptor_limit();
  zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, kSlotsOfSocket * static_cast<int>(kSocketsMax));
  zmq_ctx_set(context_, ZMQ_IO_THREADS, 1);
}

Transport::~Transport() {
  if (guard_) zmq_ctx_shutdown(context_);  // ends the guard's wait
  guard_.reset();
  zmq_ctx_term(context_);
}

void Transport::encrypt_tcp(const CurveKeys& keys) {
  STREAM_CHECK(!keys_);
  keys_ = keys;
  guard_ = std::make_unique<CurveGuard>(context_, keys.shared);
}

Socket::Socket(Transport& transport, int type, bool monitored) : socket_(zmq_socket(transport.context(), type)) {
  if (socket_ == nullptr) return;
  set(ZMQ_LINGER, 0);
  set(ZMQ_SNDHWM, kHighWaterMark);
  set(ZMQ_RCVHWM, kHighWaterMark);
  set(ZMQ_SNDBUF, kKernelBuffer);
  set(ZMQ_RCVBUF, kKernelBuffer);
  if (!monitored) return;
  static std::atomic<unsigned> next{0};
  const std::string name = "inproc://monitor-" + std::to_string(next++);
  constexpr int kEvents = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                          ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  if (zmq_socket_monitor(socket_, name.c_str(), kEvents) != 0) return;
  monitor_ = zmq_socket(transport.context(), ZMQ_PAIR);
  if (monitor_ == nullptr) return;
  const int no_linger = 0;
  zmq_setsockopt(monitor_, ZMQ_LINGER, &no_linger, sizeof no_linger);
  zmq_connect(monitor_, name.c_str());
}

Socket::~Socket() { close(); }

Socket::Socket(Socket&& other) noexcept { *this = std::move(other); }

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this == &other) return *this;
  close();
  socket_ = std::exchange(other.socket_, nullptr);
  monitor_ = std::exchange(other.monitor_, nullptr);
  connected_ = other.connected_;
  lost_ = other.lost_;
  refused_ = other.refused_;
  key_refused_ = other.key_refused_;
  refusals_ = other.refusals_;
  unproven_ = other.unproven_;
  accepted_ = std::move(other.accepted_);
  return *this;
}

void Socket::close() {
  if (socket_ != nullptr && monitor_ != nullptr) zmq_socket_monitor(socket_, nullptr, 0);
  if (monitor_ != nullptr) zmq_close(std::exchange(monitor_, nullptr));
  if (socket_ != nullptr) zmq_close(std::exchange(socket_, nullptr));
}

void Socket::set(int option, int value) { zmq_setsockopt(socket_, option, &value, sizeof value); }

void Socket::set_linger(int milliseconds) { set(ZMQ_LINGER, milliseconds); }

void Socket::set_message_max(std::size_t bytes) {
  const auto value = static_cast<std::int64_t>(bytes + kEncryption);
  zmq_setsockopt(socket_, ZMQ_MAXMSGSIZE, &value, sizeof value);
}

void Socket::encrypt(Side side, const CurveKeys& keys) {
  set(ZMQ_CURVE_SERVER, side == Side::kBinds ? 1 : 0);
  zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, keys.secret.data(), keys.secret.size());
  zmq_setsockopt(socket_, ZMQ_CURVE_PUBLICKEY, keys.shared.data(), keys.shared.size());
  if (side == Side::kConnects) zmq_setsockopt(socket_, ZMQ_CURVE_SERVERKEY, keys.shared.data(), keys.shared.size());
}

void Socket::watch(Microseconds silence) {
  if (silence <= 0) return;
  const int milliseconds = static_cast<int>(std::clamp<Microseconds>(silence / 1000, 30, 6'000'000));
  set(ZMQ_HEARTBEAT_IVL, milliseconds / 3);
  set(ZMQ_HEARTBEAT_TIMEOUT, milliseconds);
  set(ZMQ_HEARTBEAT_TTL, milliseconds);
}

Status Socket::bind(const std::string& endpoint, std::string* bound) {
  if (endpoint.find('[') != std::string::npos) set(ZMQ_IPV6, 1);
  if (zmq_bind(socket_, endpoint.c_str()) != 0) return zmq_error("bind", endpoint);
  char name[512];
  std::size_t size = sizeof name;
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, name, &size) != 0) return zmq_error("bind", endpoint);
  *bound = name;
  return {};
}

Status Socket::connect(const std::string& endpoint) {
  if (endpoint.find('[') != std::string::npos) set(ZMQ_IPV6, 1);
  if (zmq_connect(socket_, endpoint.c_str()) != 0) return zmq_error("connect to", endpoint);
  return {};
}

void Socket::drain_monitor() {
  if (monitor_ == nullptr) return;
  for (;;) {
    zmq_msg_t event;
    zmq_msg_init(&event);
    if (zmq_msg_recv(&event, monitor_, ZMQ_DONTWAIT) == -1) {
      zmq_msg_close(&event);
      return;
    }
    std::uint16_t kind = 0;
    std::int32_t value = 0;
    const auto* bytes = static_cast<const char*>(zmq_msg_data(&event));
    std::memcpy(&kind, bytes, sizeof kind);
    std::memcpy(&value, bytes + sizeof kind, sizeof value);
    zmq_msg_close(&event);
    zmq_msg_init(&event);  // the address, which nobody needs
    zmq_msg_recv(&event, monitor_, ZMQ_DONTWAIT);
    zmq_msg_close(&event);
    take_event(kind, value);
  }
}

// Strangers come and go beside the peer: what is lost when one of them goes is nothing. Which of several that came in
// is the peer is not told, so it is lost at the latest when all have gone.
void Socket::take_event(unsigned kind, int descriptor) {
  const bool refused = kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
  if (refused) key_refused_ = true;
  const bool failed = refused || kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  const bool ends = !failed && kind != ZMQ_EVENT_ACCEPTED && kind != ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
  if (kind == ZMQ_EVENT_ACCEPTED) {
    accepted_.push_back(descriptor);
    ++unproven_;
    return;
  }
  // Of noise that is no handshake at all only the end is told.
  if (failed || (ends && unproven_ > 0)) ++refusals_;
  if (unproven_ > 0) --unproven_;
  if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) connected_ = true;
  if (ends) std::erase(accepted_, descriptor);
  if ((failed || ends) && !connected_) refused_ = true;
  if (ends && connected_ && accepted_.empty()) lost_ = true;
}

bool Socket::connection_lost() {
  drain_monitor();
  return lost_;
}

std::size_t Socket::take_refused() {
  drain_monitor();
  return std::exchange(refusals_, 0);
}

Result<bool> Socket::send(const void* bytes, std::size_t size) {
  if (zmq_send(socket_, bytes, size, ZMQ_DONTWAIT) >= 0) return true;
  if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return false;
  return zmq_error("send on", "channel");
}

Result<bool> Socket::send(Buffer bytes) {
  auto* hold = new Buffer(std::move(bytes));
  zmq_msg_t message;
  zmq_msg_init_data(&message, const_cast<std::uint8_t*>(hold->data()), hold->size(), release_buffer, hold);
  if (zmq_msg_send(&message, socket_, ZMQ_DONTWAIT) >= 0) return true;
  const int error = zmq_errno();
  zmq_msg_close(&message);
  if (error == EAGAIN || error == EINTR) return false;
  errno = error;
  return zmq_error("send on", "channel");
}

Result<std::optional<Buffer>> Socket::receive() {
  auto holder = std::make_shared<Message>();
  if (zmq_msg_recv(&holder->message, socket_, ZMQ_DONTWAIT) == -1) {
    if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return std::optional<Buffer>();
    return zmq_error("receive from", "channel");
  }
  const auto* data = static_cast<const std::uint8_t*>(zmq_msg_data(&holder->message));
  const std::size_t size = zmq_msg_size(&holder->message);
  return std::optional<Buffer>(Buffer(std::move(holder), data, size));
}

bool Socket::more() const {
  int value = 0;
  std::size_t size = sizeof value;
  return zmq_getsockopt(socket_, ZMQ_RCVMORE, &value, &size) == 0 && value != 0;
}

std::string any_port(const std::string& address) {
  return "tcp://" + (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":*";
}

void Poller::clear() {
  items_.clear();
  count_ = 0;
}

void Poller::add(void* socket) {
  if (socket == nullptr) return;
  zmq_pollitem_t item{socket, 0, ZMQ_POLLIN, 0};
  const auto* bytes = reinterpret_cast<const std::byte*>(&item);
  items_.insert(items_.end(), bytes, bytes + sizeof item);
  ++count_;
}

void Poller::add_descriptor(int fd) {
  if (fd < 0) return;
  zmq_pollitem_t item{nullptr, fd, ZMQ_POLLIN, 0};
  const auto* bytes = reinterpret_cast<const std::byte*>(&item);
  items_.insert(items_.end(), bytes, bytes + sizeof item);
  ++count_;
}

Status Poller::wait(Microseconds timeout) {
  // ZeroMQ waits in whole milliseconds: rounded up, so that a wait of 300 us is no busy loop.
  const long milliseconds = timeout < 0 ? -1 : static_cast<long>((timeout + 999) / 1000);
  auto* items = reinterpret_cast<zmq_pollitem_t*>(items_.data());
  if (zmq_poll(items, static_cast<int>(count_), milliseconds) >= 0 || zmq_errno() == EINTR) return {};
  return zmq_error("wait for", "sockets");
}

}  // namespace stream
