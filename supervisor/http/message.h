// What is asked over HTTP and what is answered, without a socket: handlers are functions of these.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/http/tokens.h"
#include "transport/base/status.h"

namespace stream::http {

struct Request {
  std::string method;
  std::string target;  // as it was sent: path and query, percent-encoded
  std::string body = {};
  std::string content_type = {};
  std::string who = {};     // name of the token, "" = nobody needs one
  std::string remote = {};  // address
};

// What is known of a request before its body is read.
struct Head {
  std::string method;
  std::string target;
  std::string authorization = {};
  std::string host = {};
  std::string origin = {};
  std::string content_type = {};
  bool has_body = false;
};

struct Answer {
  int status = 200;
  std::string text = "{}";
  std::string type = "application/json; charset=UTF-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

Answer answer_with(const nlohmann::json& body, int status = 200);

// {"errors": ["why"]}, as Flink says it.
Answer refuse(int status, const std::string& why);
// The same of what has failed below: what does not exist is 404, wrong use 400, no answer in time 503, anything else
// the state of the job does not allow: 409.
Answer refuse(const Status& status);

// Takes "%2F" apart after the path was split, so that no encoded character ever separates anything. Errors: kUsage.
struct Target {
  std::vector<std::string> segments;  // of the path, without a leading "v1"
  std::map<std::string, std::string, std::less<>> query;
};
Result<Target> parse_target(std::string_view target);

}  // namespace stream::http
