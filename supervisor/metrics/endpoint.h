// HttpEndpoint: answers HTTP on an address of its own, in two threads.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "supervisor/metrics/addresses.h"
#include "transport/base/status.h"

namespace httplib {
class Server;
}

namespace stream::metrics {

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

class HttpEndpoint {
 public:
  using Answer = std::function<HttpAnswer(const HttpQuestion&)>;

  HttpEndpoint();
  ~HttpEndpoint();  // at once, whoever is connected

  // Errors: kSystem.
  Status listen(const ListenAddress& address, Answer answer);
  bool listening() const { return port_ != 0; }
  int port() const { return port_; }

 private:
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace stream::metrics
