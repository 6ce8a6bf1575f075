// What is asked over HTTP and what is answered, without a socket: handlers are functions of these.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/http/open_end.h"
#include "supervisor/http/tokens.h"
#include "transport/base/status.h"

namespace stream::http {

struct Request {
  std::string method;
  std::string target;  // as it was sent: path and query, percent-encoded
  Role role = Role::kRead;
  std::string body = {};
  std::string content_type = {};
  std::string who = {};     // name of the token, "" = nobody needs one
  std::string remote = {};  // address
  std::string if_none_match = {};
  std::string last_event_id = {};
  bool takes_chunks = true;  // all since HTTP/1.1
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

// Who goes on with the connection when the head of the answer is sent.
using TakeOver = std::function<void(std::unique_ptr<OpenEnd> end)>;

struct Answer {
  int status = 200;
  std::string text = "{}";
  bool reads_only = false;  // whatever was asked with, nothing is changed
  std::string did = {};     // what the request does not say, for the log of changes
  std::string begun = {};   // id of what goes on when this is answered, for the same
  std::string type = "application/json; charset=UTF-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
  TakeOver take_over = {};  // of an answer without an end; else none
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
// The same text, but of "p.NAME=VALUE" no value: what is given for parameters may be nobody's business.
std::string without_parameters(std::string_view target);

}  // namespace stream::http
