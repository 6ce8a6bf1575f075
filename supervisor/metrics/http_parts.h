// What of HTTP comes from a library. It is loaded when the first reporter needs it, so that no other job and no verb
// waits at its start for what HTTP and TLS bring along.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/metrics/addresses.h"
#include "transport/base/status.h"

namespace stream::metrics {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // PUT, POST, DELETE
  std::string path;    // with what is behind '?'
  std::string type;
  std::string body;
};

struct HttpReply {
  int status = 0;
  std::string body;
};

// To one server. Time limits are those of a delivery, see reporter.h.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual void use_password(const std::string& user, const std::string& password) = 0;
  // Errors: kSystem, with what the library says.
  virtual Result<HttpReply> send(const HttpRequest& request, const HttpHeaders& headers) = 0;
};

struct HttpAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

struct HttpQuestion {
  std::string method;
  std::string path;
  std::multimap<std::string, std::string> parameters;
  std::string body;
};

using HttpAnswerer = std::function<HttpAnswer(const HttpQuestion&)>;

// On an address of its own, in two threads, from when it is made until it is gone: at once, whoever is connected.
class HttpListener {
 public:
  virtual ~HttpListener() = default;
  virtual int port() const = 0;
};

struct HttpParts {
  // `server`: "https://host:port"; `authority`: a file of certificates to trust, "" = those of the system.
  std::unique_ptr<HttpClient> (*make_client)(const std::string& server, const std::string& authority);
  // Errors: kSystem.
  Result<std::unique_ptr<HttpListener>> (*listen)(const ListenAddress& address, HttpAnswerer answerer);
};

// Errors: kSystem where the library is not beside the program, or cannot be loaded.
Result<const HttpParts*> http_parts();

}  // namespace stream::metrics
