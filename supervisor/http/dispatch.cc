#include "supervisor/http/dispatch.h"

#include <algorithm>
#include <charconv>

#include "snapshot/digest.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/shapes.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

bool matches(std::string_view pattern, const std::vector<std::string>& segments,
             std::map<std::string, std::string, std::less<>>& values) {
  const std::vector<std::string> parts = split(pattern.substr(1), '/');
  const std::size_t count = pattern == "/" ? 0 : parts.size();
  if (count != segments.size()) return false;
  values.clear();
  for (std::size_t i = 0; i < count; ++i) {
    if (parts[i].starts_with(':'))
      values.emplace(parts[i].substr(1), segments[i]);
    else if (parts[i] != segments[i])
      return false;
  }
  return true;
}

std::string path_of(const std::vector<std::string>& segments) { return "/" + join(segments, "/"); }

Answer no_such_path(std::span<const Route> table, const std::vector<std::string>& segments) {
  std::vector<std::string> known;
  for (const Route& route : table) known.emplace_back(route.path);
  const std::string path = path_of(segments);
  return refuse(404, "there is nothing at '" + path + "'" + did_you_mean(path, known) + "; /openapi.json lists all");
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string id_of(std::string_view kind, std::string_view name) {
  const auto hash = xxh3_128(std::string(kind) + ' ' + std::string(name));
  return hex_of({hash.data(), hash.size()});
}

// Found by its id, or by its name.
Status find_job(Call& call, const std::string& wanted) {
  const std::vector<std::string> names = call.jobs.names();
  for (const bool by_id : {true, false}) {
    for (const std::string& name : names) {
      if (!by_id && name != wanted) continue;
      auto summary = call.jobs.summary(name);
      if (!summary.ok()) {
        if (!by_id) return std::move(summary).status();
        continue;
      }
      std::string id = (*summary)->value("id", "");
      if (by_id && id != wanted) continue;
      call.job = {name, std::move(id), *std::move(summary)};
      return {};
    }
  }
  return {Code::kNotFound, "there is no job '" + wanted + "'" + did_you_mean(wanted, names) + "; /jobs lists all"};
}

Status find_vertex(Call& call, const std::string& wanted) {
  const auto& stages = call.plan->pipeline.stages;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    names.push_back(stages[i].name);
    if (stages[i].name != wanted && vertex_id(stages[i].name) != wanted) continue;
    call.stage = i;
    return {};
  }
  return {Code::kNotFound, "job '" + call.job.name + "' has no vertex '" + wanted + "'" + did_you_mean(wanted, names) +
                               "; its vertices are in /jobs/" + call.job.id};
}

Status find_subtask(Call& call, const std::string& wanted) {
  const std::uint32_t parallelism = call.plan->stages[call.stage].parallelism;
  const auto number = parse_integer(wanted);
  if (number.ok() && *number >= 0 && *number < parallelism) {
    call.subtask = static_cast<std::size_t>(*number);
    return {};
  }
  return {Code::kNotFound, "vertex '" + call.plan->pipeline.stages[call.stage].name + "' has no subtask '" + wanted +
                               "'; they count from 0 to " + std::to_string(parallelism - 1)};
}

// One that has ended where another server led it is found by what is in common. Whether it is.
bool find_ended(Call& call, const std::string& wanted, bool known_here) {
  const auto shared = call.changes.in_common(wanted);
  if (!shared) return false;
  call.job.id = shared->id;
  if (shared->ended.empty() && known_here) return false;
  call.job = {shared->name, shared->id, std::make_shared<const Json>(Json{{"state", shared->ended}})};
  return true;
}

// What of the job the path names: each error says which object it is about.
Status look_up(Call& call) {
  const auto named = [&](const char* name) {
    const auto at = call.path.find(name);
    return at == call.path.end() ? nullptr : &at->second;
  };
  if (const std::string* vertex = named("vertexid")) {
    STREAM_ASSIGN(call.plan, call.jobs.plan(call.job.name));
    STREAM_TRY(find_vertex(call, *vertex));
  }
  if (const std::string* subtask = named("subtaskindex")) STREAM_TRY(find_subtask(call, *subtask));
  return {};
}

// Whoever stands by for a job sends those who ask about it to its leader, as they have asked.
Answer send_to_leader(const Call& call) {
  const Json& leader = call.job.summary->at("leader");
  const std::string url = leader.value("http", "");
  const std::string why = "job '" + call.job.name + "' is " + text_of(*call.job.summary, "reason");
  if (url.empty()) {
    Answer answer = refuse(503, why + ", which does not say where it can be asked: 'stream run --advertise URL' does");
    answer.headers.emplace_back("Retry-After", "1");
    return answer;
  }
  Answer answer = refuse(307, why + ": ask " + url);
  answer.headers.emplace_back("Location", url + std::string(call.request.target));
  return answer;
}

Status read_body(Call& call, std::string_view shape) {
  if (shape.empty() || shape == kPlainText) return {};
  const std::string_view text = trim(call.request.body);
  if (text.empty()) return {};
  call.body = Json::parse(text, nullptr, false);
  if (call.body.is_discarded()) return usage_error("the body is no JSON");
  return check_shape(call.body, shape, "the body");
}

}  // namespace

std::string vertex_id(std::string_view stage) { return id_of("vertex", stage); }
std::string host_id(std::string_view host) { return id_of("host", host); }

FoundRoute find_route(std::span<const Route> table, std::string_view method, const Target& target) {
  FoundRoute found;
  std::vector<std::string> allowed;
  for (const Route& route : table) {
    if (!matches(route.path, target.segments, found.path)) continue;
    if (route.method == method || (route.method == "GET" && method == "HEAD")) {
      found.route = &route;
      return found;
    }
    allowed.emplace_back(route.method);
  }
  if (allowed.empty()) {
    found.refusal = no_such_path(table, target.segments);
    return found;
  }
  std::ranges::sort(allowed);
  found.refusal = refuse(405, "'" + path_of(target.segments) + "' is not asked with " + std::string(method) +
                                  "; it takes " + join(allowed, ", "));
  found.refusal.headers.emplace_back("Allow", join(allowed, ", "));
  return found;
}

Answer dispatch(const Request& request, const Site& site, const Services& services) {
  STREAM_HTTP_ASSIGN(Target target, parse_target(request.target));
  FoundRoute found = find_route(routes(), request.method, target);
  if (found.route == nullptr) return found.refusal;
  Call call{.request = request,
            .site = site,
            .jobs = services.jobs,
            .changes = services.changes,
            .operations = services.operations,
            .streams = services.streams,
            .path = std::move(found.path),
            .query = target.query,
            .flames = services.flames};
  if (const auto job = call.path.find("jobid"); job != call.path.end()) {
    const Status status = find_job(call, job->second);
    const bool ended = found.route->in_common && find_ended(call, job->second, status.ok());
    if (!status.ok() && !ended) return refuse(status);
    if (!found.route->by_standby && text_of(*call.job.summary, "state") == "STANDBY") return send_to_leader(call);
  }
  if (const Status status = look_up(call); !status.ok()) return refuse(status);
  if (const Status status = read_body(call, found.route->body); !status.ok()) return refuse(status);
  return found.route->handle(call);
}

}  // namespace stream::http
