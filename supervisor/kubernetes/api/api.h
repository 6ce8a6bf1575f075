// Api: an API server of Kubernetes, asked over HTTPS.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace httplib {
class Client;
struct Request;
}  // namespace httplib

namespace stream::kubernetes {

// Where it is, and as whom we speak to it. Files are read anew for each connection, the token for each call: all of
// them are replaced while we run.
struct ApiPlace {
  std::string server;           // "https://10.0.0.1:443"
  std::string authority = {};   // file of certificates; "" = those of this system
  std::string token_file = {};  // "" = none
  std::string token = {};       // where there is no file of it; "" = none
  std::string cert_file = {};   // of a client that shows a certificate; "" = none
  std::string key_file = {};
  std::string space = {};  // namespace that objects are in
};

// As every Pod with a token of a service account has it. Errors: kFailed, saying what is missing and what to do.
Result<ApiPlace> api_of_this_pod();

struct ApiAnswer {
  int status = 0;
  nlohmann::json body;

  // What it says of itself, for people.
  std::string said() const;
};

// May be used by several threads, which do not wait for each other.
class Api {
 public:
  // `patience`: for a connection, and for each part of an answer.
  Api(ApiPlace place, Microseconds patience);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // An answer of any status. `body`: null for none. Errors: kSystem if there is none; it may have been carried out.
  Result<ApiAnswer> call(const std::string& method, const std::string& path, const nlohmann::json& body = {});

  // Makes the object, or makes of it what `object` says and whoever else has not said otherwise: a server-side apply.
  // Errors: as of call().
  Result<ApiAnswer> apply(const std::string& path, const nlohmann::json& object, const std::string& manager);
  // What comes line by line until the server ends it, or `line` says false: a watch. Errors: kSystem if it breaks off.
  Result<int> follow(const std::string& path, const std::function<bool(const std::string&)>& line);

  const ApiPlace& place() const { return place_; }
  // "/api/v1/namespaces/SPACE/pods"; `group`: "api/v1" or "apis/apps/v1".
  std::string path_of(const std::string& group, const std::string& kind) const;

 private:
  Result<ApiAnswer> send(httplib::Request& request);
  Status sign(httplib::Request& request) const;
  std::unique_ptr<httplib::Client> connection();
  void keep(std::unique_ptr<httplib::Client> connection);

  ApiPlace place_;
  Microseconds patience_;
  std::mutex mutex_;
  struct Idle {
    std::unique_ptr<httplib::Client> connection;
    Microseconds since = 0;  // monotonic
  };
  std::vector<Idle> idle_;
};

// Of an answer that is no success. Errors: kNotFound for 404; kSystem where another try may go well; else kFailed.
Status status_of(const std::string& doing, const ApiAnswer& answer);

}  // namespace stream::kubernetes
