// Requests to an HTTP or HTTPS server, with time limits.
#pragma once

#include <memory>
#include <string>

#include "supervisor/metrics/http_parts.h"

namespace stream::metrics {

class HttpSender {
 public:
  // `authority`: a file of certificates to trust; "" = those of the system.
  HttpSender(Url url, HttpHeaders headers, std::string authority)
      : url_(std::move(url)), headers_(std::move(headers)), authority_(std::move(authority)) {}

  void use_password(const std::string& user, const std::string& password) {
    user_ = user;
    password_ = password;
  }
  // Paths are below that of the URL. Errors: kSystem, also for an answer that is not of 2xx, with the begin of what it
  // says.
  Status send(HttpRequest request);

 private:
  Status connect();

  Url url_;
  HttpHeaders headers_;
  std::string authority_;
  std::string user_;
  std::string password_;
  std::unique_ptr<HttpClient> client_;
};

// Everything but letters, digits, '-', '_', '.' and '~' as %XX.
std::string url_encoded(std::string_view text);

}  // namespace stream::metrics
