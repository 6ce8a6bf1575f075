// TlsLink: a TCP connection between two who know the same key, encrypted, which nobody else can join or read.
#pragma once

#include <memory>
#include <string>

#include "transport/base/clock.h"
#include "transport/base/status.h"

struct ssl_st;
struct ssl_ctx_st;

namespace stream::kubernetes {

class TlsLink {
 public:
  // Both take the socket, which blocks, and close it. `key`: 32 bytes. Errors: kPeerGone, if the other end does not
  // show the key within `patience`.
  static Result<TlsLink> accept(int socket, const std::string& key, Microseconds patience);
  static Result<TlsLink> connect(int socket, const std::string& key, Microseconds patience);
  TlsLink(TlsLink&&) noexcept = default;
  TlsLink& operator=(TlsLink&&) noexcept = default;

  int socket() const { return socket_; }
  // What has come, as far as it goes. False at the end of the connection.
  bool read(std::string& to);
  // Sends what it can, and takes that off. False at the end of the connection.
  bool write(std::string& from);

 private:
  TlsLink() = default;
  static Result<TlsLink> open(int socket, const std::string& key, Microseconds patience, bool server);

  struct Free {
    void operator()(ssl_ctx_st* context) const;
    void operator()(ssl_st* connection) const;
  };
  std::shared_ptr<std::string> key_;  // where the callbacks find it
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_st, Free> connection_;
  int socket_ = -1;
};

// Carries what comes from `in` to the other end, and what comes from there to `out`, until either ends.
void relay(TlsLink& link, int in, int out);

}  // namespace stream::kubernetes
