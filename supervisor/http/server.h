// The edge: sockets, TLS and HTTP, by httplib. Everything it does is bounded: bytes of a head and of a body, time to
// send a request and to take an answer, connections that are answered at once and that wait.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "supervisor/http/address.h"
#include "supervisor/http/message.h"

namespace stream::http {

inline constexpr std::size_t kBodyMax = 4U << 20;  // bytes
inline constexpr std::size_t kAnswering = 64;      // connections, a thread each
inline constexpr std::size_t kWaiting = 1024;      // connections; any more are refused

class Server {
 public:
  // Both are called on threads of the server, many at once.
  struct Talk {
    // Looks at a request before its body is read: a refusal, or nothing. May fill `request.who`.
    std::function<std::optional<Answer>(const Head& head, Request& request)> gate;
    std::function<Answer(const Request& request)> answer;
  };

  // Listens, and answers from when it returns. Errors: kSystem where the address is taken or is not of this machine,
  // kUsage where certificate or key cannot be used.
  static Result<std::unique_ptr<Server>> open(const ServerSettings& settings, Talk talk);
  virtual ~Server() = default;  // lets those answer that are being answered
  virtual int port() const = 0;
};

}  // namespace stream::http
