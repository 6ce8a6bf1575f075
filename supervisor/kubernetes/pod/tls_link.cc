#include "supervisor/kubernetes/pod/tls_link.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace stream::kubernetes {
namespace {

// With a key of its own for each connection, which the one that both know only vouches for.
constexpr char kCipher[] = "ECDHE-PSK-CHACHA20-POLY1305";
constexpr char kIdentity[] = "stream";
constexpr std::size_t kChunk = 64 * 1024;
constexpr std::size_t kWaitingMost = 4 << 20;

unsigned put_key(const SSL* connection, unsigned char* to, unsigned most) {
  const auto* key = static_cast<const std::string*>(SSL_get_app_data(connection));
  if (key->size() > most) return 0;
  std::memcpy(to, key->data(), key->size());
  return static_cast<unsigned>(key->size());
}

unsigned of_client(SSL* connection, const char*, char* identity, unsigned identity_most, unsigned char* to,
                   unsigned most) {
  if (sizeof kIdentity > identity_most) return 0;
  std::memcpy(identity, kIdentity, sizeof kIdentity);
  return put_key(connection, to, most);
}

unsigned of_server(SSL* connection, const char* identity, unsigned char* to, unsigned most) {
  return identity != nullptr && std::strcmp(identity, kIdentity) == 0 ? put_key(connection, to, most) : 0;
}

void be_patient(int socket, Microseconds patience) {
  const timeval time{patience / 1'000'000, patience % 1'000'000};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

void never_block(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

std::string why() {
  char text[200];
  const unsigned long code = ERR_get_error();
  if (code == 0) return "the connection has ended";
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

bool again(const SSL* connection, int done) {
  const int error = SSL_get_error(connection, done);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

}  // namespace

void TlsLink::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

void TlsLink::Free::operator()(ssl_st* connection) const {
  const int socket = SSL_get_fd(connection);
  SSL_free(connection);
  ::close(socket);
}

Result<TlsLink> TlsLink::open(int socket, const std::string& key, Microseconds patience, bool server) {
  TlsLink link;
  link.socket_ = socket;
  link.key_ = std::make_shared<std::string>(key);
  link.context_.reset(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* const context = link.context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCipher);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  server ? SSL_CTX_set_psk_server_callback(context, of_server) : SSL_CTX_set_psk_client_callback(context, of_client);
  be_patient(socket, patience);
  link.connection_.reset(SSL_new(context));
  SSL* const connection = link.connection_.get();
  SSL_set_app_data(connection, link.key_.get());
  SSL_set_fd(connection, socket);
  ERR_clear_error();
  if ((server ? SSL_accept(connection) : SSL_connect(connection)) != 1)
    return Status(Code::kPeerGone, "the other end did not show the key of this job: " + why());
  never_block(socket);
  return link;
}

Result<TlsLink> TlsLink::accept(int socket, const std::string& key, Microseconds patience) {
  return open(socket, key, patience, true);
}

Result<TlsLink> TlsLink::connect(int socket, const std::string& key, Microseconds patience) {
  return open(socket, key, patience, false);
}

bool TlsLink::read(std::string& to) {
  char chunk[kChunk];
  for (;;) {
    ERR_clear_error();
    const int n = SSL_read(connection_.get(), chunk, sizeof chunk);
    if (n <= 0) return again(connection_.get(), n);
    to.append(chunk, static_cast<std::size_t>(n));
    if (to.size() >= kWaitingMost && SSL_pending(connection_.get()) == 0) return true;
  }
}

bool TlsLink::write(std::string& from) {
  while (!from.empty()) {
    ERR_clear_error();
    const int n = SSL_write(connection_.get(), from.data(), static_cast<int>(std::min(from.size(), kChunk)));
    if (n <= 0) return again(connection_.get(), n);
    from.erase(0, static_cast<std::size_t>(n));
  }
  return true;
}

namespace {

// False at the end.
bool read_some(int fd, std::string& to) {
  char chunk[kChunk];
  const ssize_t n = ::read(fd, chunk, sizeof chunk);
  if (n > 0) to.append(chunk, static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool write_some(int fd, std::string& from) {
  const ssize_t n = from.empty() ? 0 : ::write(fd, from.data(), from.size());
  if (n > 0) from.erase(0, static_cast<std::size_t>(n));
  return n >= 0 || errno == EAGAIN || errno == EINTR;
}

short if_true(bool wanted, short event) { return wanted ? event : static_cast<short>(0); }

}  // namespace

void relay(TlsLink& link, int in, int out) {
  never_block(in);
  never_block(out);
  std::string there, here;  // on their way
  for (;;) {
    const bool takes_in = there.size() < kWaitingMost, takes_link = here.size() < kWaitingMost;
    pollfd ready[] = {
        {takes_in ? in : -1, POLLIN, 0},
        {link.socket(), static_cast<short>(if_true(takes_link, POLLIN) | if_true(!there.empty(), POLLOUT)), 0},
        {here.empty() ? -1 : out, POLLOUT, 0}};
    if (::poll(ready, std::size(ready), -1) < 0 && errno != EINTR) return;
    const bool in_lasts = (ready[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0 || read_some(in, there);
    const bool link_lasts = link.write(there) && (!takes_link || link.read(here));
    if (!write_some(out, here) || !in_lasts || !link_lasts) return;
  }
}

}  // namespace stream::kubernetes
