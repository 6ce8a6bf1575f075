// RedisTls: TLS over a socket that is connected; the client library as Debian has it knows none.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "stages/kit/tls_options.h"
#include "transport/base/status.h"

namespace stream {

class RedisTls {
 public:
  // Greets the server, whose certificate must be of `host`, within 5 s. The socket is non-blocking from then on.
  // Errors: kUsage for files that cannot be used and a server that is not trusted, else kFailed.
  static Result<std::unique_ptr<RedisTls>> begin(int fd, const std::string& host, const TlsFiles& files);

  // All of it, within 10 s.
  Status write(std::string_view bytes);
  // What has come, valid until the next call; waits for it at most 10 s. Without `wait`, "": nothing has.
  Result<std::string_view> read(bool wait);

 private:
  struct Free {
    void operator()(SSL* session) const { SSL_free(session); }
    void operator()(SSL_CTX* settings) const { SSL_CTX_free(settings); }
  };

  explicit RedisTls(int fd) : fd_(fd) {}
  Status load(const TlsFiles& files);
  Status greet(const std::string& host);
  Status not_greeted(int error) const;
  // After a call that gave `result`: true if it is to be made again, as the socket is ready for it now. False: it is
  // not, and `milliseconds` are 0.
  Result<bool> ready(int result, int milliseconds);

  const int fd_;
  std::unique_ptr<SSL_CTX, Free> settings_;
  std::unique_ptr<SSL, Free> session_;
  std::array<char, 16384> bytes_;
};

}  // namespace stream
