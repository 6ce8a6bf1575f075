#include "transport/curve.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "transport/base/check.h"

namespace stream {
namespace {

constexpr std::size_t kZ85Size = 41;  // 32 bytes in ZeroMQ's base 85, and the closing NUL
constexpr const char* kZapEndpoint = "inproc://zeromq.zap.01";

Result<CurveKey> public_key_of(const CurveKey& secret) {
  char secret_text[kZ85Size];
  char public_text[kZ85Size];
  zmq_z85_encode(secret_text, secret.data(), secret.size());
  if (zmq_curve_public(public_text, secret_text) != 0) {
    return usage_error("this ZeroMQ library has no encryption (CURVE)");
  }
  CurveKey key;
  zmq_z85_decode(key.data(), public_text);
  return key;
}

using Parts = std::vector<std::string>;

// One multipart message; empty when the context ends.
Parts receive_parts(void* socket) {
  Parts parts;
  int more = 1;
  while (more != 0) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, socket, 0) < 0) {
      const bool again = zmq_errno() == EINTR;
      zmq_msg_close(&part);
      if (again) continue;
      return {};
    }
    parts.emplace_back(static_cast<const char*>(zmq_msg_data(&part)), zmq_msg_size(&part));
    more = zmq_msg_more(&part);
    zmq_msg_close(&part);
  }
  return parts;
}

void send_parts(void* socket, const Parts& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    zmq_send(socket, parts[i].data(), parts[i].size(), i + 1 < parts.size() ? ZMQ_SNDMORE : 0);
  }
}

// A ZAP request: version, request id, domain, address, identity, mechanism, credentials.
bool admits(const Parts& request, const CurveKey& admitted) {
  if (request.size() != 7 || request[5] != "CURVE" || request[6].size() != admitted.size()) return false;
  return std::equal(admitted.begin(), admitted.end(), reinterpret_cast<const std::uint8_t*>(request[6].data()));
}

void answer_zap(void* socket, const CurveKey& admitted) {
  for (;;) {
    const Parts request = receive_parts(socket);
    if (request.empty()) break;
    const std::string id = request.size() > 1 ? request[1] : "";
    const bool yes = admits(request, admitted);
    send_parts(socket, {"1.0", id, yes ? "200" : "400", yes ? "" : "another key", "", ""});
  }
  zmq_close(socket);
}

}  // namespace

Result<CurveKeys> curve_keys(const CurveKey& secret) {
  CurveKeys keys;
  keys.secret = secret;
  STREAM_ASSIGN(keys.shared, public_key_of(secret));
  return keys;
}

Result<CurveKeys> make_curve_keys() {
  CurveKey secret{};
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    return system_error("get", "random bytes", errno);
  return curve_keys(secret);
}

std::string secret_to_text(const CurveKey& secret) {
  char text[kZ85Size];
  zmq_z85_encode(text, secret.data(), secret.size());
  return text;
}

Result<CurveKey> secret_from_text(const std::string& text) {
  CurveKey secret{};
  if (text.size() != kZ85Size - 1 || zmq_z85_decode(secret.data(), text.c_str()) == nullptr)
    return corrupt("a key is not 32 bytes in base 85");
  return secret;
}

Result<CurveKeys> read_key_file(const std::string& path) {
  const std::string advice = "; make one with: (umask 077; head -c 32 /dev/urandom > '" + path + "')";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const Status refused = system_error("open key file", path, errno);
    return errno == ENOENT ? usage_error(refused.what() + advice) : refused;
  }
  struct stat info {};
  CurveKeys keys;
  const bool known = ::fstat(fd, &info) == 0;
  const ssize_t read = ::read(fd, keys.secret.data(), keys.secret.size());
  ::close(fd);
  if (!known || info.st_size != static_cast<off_t>(keys.secret.size()) ||
      read != static_cast<ssize_t>(keys.secret.size())) {
    return usage_error("key file '" + path + "' does not hold exactly 32 random bytes" + advice);
  }
  if ((info.st_mode & 077) != 0) {
    return usage_error("key file '" + path + "' can be read by others; take that away with: chmod 600 '" + path + "'");
  }
  STREAM_ASSIGN(keys.shared, public_key_of(keys.secret));
  return keys;
}

CurveGuard::CurveGuard(void* context, const CurveKey& admitted) {
  void* socket = zmq_socket(context, ZMQ_REP);
  STREAM_CHECK(socket != nullptr);
  // Bound here, so that it listens before any socket of the context can have a client.
  STREAM_CHECK(zmq_bind(socket, kZapEndpoint) == 0);
  thread_ = std::thread([socket, admitted] { answer_zap(socket, admitted); });
}

CurveGuard::~CurveGuard() { thread_.join(); }

}  // namespace stream
