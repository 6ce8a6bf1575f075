// Http: signed requests over connections that are kept. One object may be used by several threads at once.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/credentials.h"
#include "storage/place.h"

namespace stream {

struct HttpRequest {
  std::string method;
  std::string key = {};                                           // "" = of the bucket
  std::vector<std::pair<std::string, std::string>> query = {};    // sorted by name
  std::vector<std::pair<std::string, std::string>> headers = {};  // besides those of every request
  std::string_view body = {};
  std::size_t answer_max = 64 << 20;  // what is longer is an error
};

struct HttpAnswer {
  long status = 0;
  std::string body;
  std::string etag;
  std::string region;            // where the bucket is, if the server says so
  std::uint64_t size_bytes = 0;  // Content-Length
};

class Http {
 public:
  Http(StoragePlace place, Credentials credentials);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // Errors: kSystem: no answer, or not all of it.
  Result<HttpAnswer> send(const HttpRequest& request);

  const StoragePlace& place() const { return place_; }
  const std::string& region() const { return credentials_.region; }
  const std::string& endpoint() const { return endpoint_; }

 private:
  void* take_handle();
  void give_back(void* handle);
  std::string url_of(const HttpRequest& request) const;

  const StoragePlace place_;
  const Credentials credentials_;
  std::string endpoint_;
  std::mutex mutex_;
  std::vector<void*> idle_;  // guarded by mutex_
};

}  // namespace stream
