// A request on its way to the function that answers it, and the table of those functions.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>

#include "supervisor/http/changes.h"
#include "supervisor/http/commands.h"
#include "supervisor/http/flame_graphs.h"
#include "supervisor/http/jobs.h"
#include "supervisor/http/message.h"
#include "supervisor/http/operations.h"
#include "supervisor/http/streams.h"

namespace stream::http {

// What is the same for all requests.
struct Site {
  std::string host;     // of this machine
  std::string address;  // "127.0.0.1:8081"
  std::int64_t now_ms = 0;
  bool changes = true;  // requests that change something are taken
  Commands* commands = nullptr;
  bool tls = false;
  std::function<void()> shut_down = {};  // ends the server when this is answered; none: it is not to be ended so
};

// What handlers act upon.
struct Services {
  Jobs& jobs;
  Changes& changes;
  Operations& operations;
  Streams& streams;
  FlameGraphs& flames;
};

// A job as a request names it.
struct FoundJob {
  std::string name;
  std::string id;
  SharedJson summary;
};

struct Call {
  const Request& request;
  const Site& site;
  Jobs& jobs;
  Changes& changes;
  Operations& operations;
  Streams& streams;
  std::map<std::string, std::string, std::less<>> path = {};   // of the route: "jobid"
  std::map<std::string, std::string, std::less<>> query = {};  // "get"
  Json body = Json::object();
  // Of a route with :jobid, :vertexid, :subtaskindex; looked up before the handler is called.
  FoundJob job = {};
  SharedPlan plan = nullptr;
  std::size_t stage = 0;
  std::size_t subtask = 0;
  FlameGraphs& flames;

  std::string value(std::string_view name) const {
    const auto at = query.find(name);
    return at == query.end() ? "" : at->second;
  }
};

using Handler = Answer (*)(Call& call);

struct Route {
  std::string_view method;
  std::string_view path;  // "/jobs/:jobid/vertices/:vertexid"
  std::string_view summary;
  std::string_view answer = {};  // name of its shape, see shapes.h; "" = {}
  Handler handle = nullptr;
  std::string_view query = {};  // names of parameters, separated by blanks
  std::string_view body = {};   // name of the shape of what is sent; "" = nothing
  int status = 200;
  Role role = Role::kRead;
  bool in_common = false;   // also of a job that has ended on another host, see Changes::in_common()
  bool by_standby = false;  // answered also by who only stands by for the job, and is not sent to its leader
};

// In the order of the OpenAPI document.
std::span<const Route> routes();

struct ParameterText {
  std::string_view name;
  std::string_view type;  // as in shapes.h
  std::string_view doc;
};
// Of a path or a query. Every name that a route uses is there.
const ParameterText& parameter_text(std::string_view name);

// STREAM_HTTP_ASSIGN(auto x, f()): x = *f(), or answers what f's status says.
#define STREAM_HTTP_ASSIGN(declaration, expression) \
  STREAM_HTTP_ASSIGN_IMPL(STREAM_CONCAT(stream_http_result_, __LINE__), declaration, expression)
#define STREAM_HTTP_ASSIGN_IMPL(result, declaration, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return refuse(result.status());              \
  declaration = *std::move(result)

}  // namespace stream::http
