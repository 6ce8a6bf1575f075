// Requests to an HTTP or HTTPS server, with time limits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/metrics/addresses.h"

namespace httplib {
class Client;
}

namespace stream::metrics {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // PUT, POST, DELETE
  std::string path;    // below that of the URL, with what is behind '?'
  std::string type;
  std::string body;
};

class HttpSender {
 public:
  // `authority`: a file of certificates to trust; "" = those of the system.
  HttpSender(const Url& url, const HttpHeaders& headers, const std::string& authority);
  ~HttpSender();

  void use_password(const std::string& user, const std::string& password);
  // Errors: kSystem, also for an answer that is not of 2xx, with the begin of what it says.
  Status send(const HttpRequest& request);

 private:
  Url url_;
  HttpHeaders headers_;
  std::unique_ptr<httplib::Client> client_;
};

// Everything but letters, digits, '-', '_', '.' and '~' as %XX.
std::string url_encoded(std::string_view text);

}  // namespace stream::metrics
