#include "supervisor/http/service.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/http/audit.h"
#include "supervisor/http/commands.h"
#include "supervisor/http/dispatch.h"
#include "supervisor/http/live_changes.h"
#include "supervisor/http/live_jobs.h"
#include "supervisor/http/live_streams.h"
#include "supervisor/http/shared_jobs.h"
#include "supervisor/http/ui.h"
#include "supervisor/job_paths.h"
#include "supervisor/metrics/host.h"

namespace stream::http {

namespace {

Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? system_error("create folder", path, error.value()) : Status();
}

bool changes_something(const Request& request) { return request.method != "GET" && request.method != "HEAD"; }

// In the folder of this one.
std::string program_beside(const std::string& name) {
  std::error_code error;
  return (std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / name).string();
}

// Where changes are written down. Shared with what a request has begun, which may outlive the service.
struct AuditLog {
  std::unique_ptr<Audit> audit = {};
  std::atomic<bool> told = false;  // that it cannot be written

  void write(const auto&... what) {
    const Status written = audit->write(what..., system_clock().wall_us());
    if (!written.ok() && !told.exchange(true))
      std::fprintf(stderr, "stream serve: warning: %s\n", written.what().c_str());
  }
};

// One line of a reason, which may hold a whole manifest.
std::string short_of(const std::string& why) {
  constexpr std::size_t kWhy = 500;  // bytes
  return why.substr(0, std::min(why.find('\n'), kWhy));
}

std::string reason_of(const Answer& answer) {
  if (answer.status < 400) return "";
  const auto told = nlohmann::json::parse(answer.text, nullptr, false);
  const auto errors = told.is_object() ? told.find("errors") : told.end();
  if (errors == told.end() || !errors->is_array() || errors->empty() || !errors->front().is_string()) return "";
  return short_of(errors->front().get<std::string>());
}

AuditedEnd end_of(const OperationRecord& record) {
  AuditedEnd end = {.operation = record.id,
                    .who = record.who,
                    .remote = record.remote,
                    .what = record.kind(),
                    .job = record.name,
                    .took_us = record.ended_us - record.begun_us};
  if (!record.failed) return end;
  const auto told = nlohmann::json::parse(record.outcome, nullptr, false);
  for (const char* name : {"failure-cause", "failureCause"}) {
    if (told.contains(name)) end.why = short_of(told[name].value("stack-trace", "it has failed"));
  }
  return end;
}

}  // namespace

struct Service::Parts {
  Parts(const ServiceSettings& settings, std::vector<Token> tokens, std::unique_ptr<SharedJobs> in_common)
      : access(std::move(tokens), settings.server.host),
        jobs(settings.job),
        shared(std::move(in_common)),
        changes(settings.program, settings.permissions, shared.get()),
        commands(settings.program, settings.permissions, settings.job,
                 [log = log](const AuditedEnd& end) { log->write(end); }),
        host(metrics::host_name()),
        tls(!settings.server.certificate.empty()) {}

  ~Parts() {
    if (shared) shared->stop();  // its thread begins what others of these do
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  std::optional<Answer> gate(const Head& head, Request& request) {
    if (is_ui(head.method, head.target)) return std::nullopt;
    auto refusal = access.gate(head, request);
    if (refusal && changes_something(request)) note(request, *refusal);
    return refusal;
  }

  Answer answer(const Request& request) {
    if (is_ui(request.method, request.target)) return ui_answer(request.target, request.if_none_match);
    const Site site{.host = host,
                    .address = address,
                    .now_ms = system_clock().wall_us() / 1000,
                    .commands = &commands,
                    .tls = tls,
                    .shut_down = [] { ::kill(::getpid(), SIGTERM); }};
    Answer answer = dispatch(request, site, {jobs, changes, *operations, *streams, flames});
    if (changes_something(request) && !answer.reads_only) note(request, answer);
    return answer;
  }

  void note(const Request& request, const Answer& answer) {
    log->write(request, AuditedAnswer{answer.status, answer.did, answer.begun, reason_of(answer)});
  }

  const std::string profiler = program_beside("stream-profiler");
  const Access access;
  const std::shared_ptr<AuditLog> log = std::make_shared<AuditLog>();
  LiveJobs jobs;
  std::unique_ptr<SharedJobs> shared;  // with other servers; none: there are none
  LiveChanges changes;
  Commands commands;
  std::unique_ptr<Operations> operations = {};
  std::unique_ptr<LiveStreams> streams = {};
  FlameGraphs flames{
      [this](const std::string& job, const ProfileWish& wish) { return profile_job(job_paths(job), wish, profiler); }};
  const std::string host;
  const bool tls;
  std::string address = {};
  std::unique_ptr<Server> server = {};  // last: it asks all the others
};

Status check_exposure(const ServiceSettings& settings) {
  const std::string& host = settings.server.host;
  if (is_loopback(host)) return {};
  const std::string begin = "others can reach " + address_text(host, settings.server.port) + ": ";
  if (settings.tokens.empty())
    return usage_error(begin + "give --tokens FILE, made with --new-token, or listen at 127.0.0.1");
  if (settings.server.certificate.empty() && !settings.insecure)
    return usage_error(begin + "give --tls-cert and --tls-key, or --insecure where something else encrypts");
  return {};
}

Service::Service(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Service::~Service() = default;

void Service::stop() {
  parts_->commands.stop();
  parts_->server.reset();
}

std::string Service::url() const { return (parts_->tls ? "https://" : "http://") + parts_->address; }

Result<std::unique_ptr<Service>> Service::open(const ServiceSettings& settings) {
  STREAM_TRY(check_exposure(settings));
  std::vector<Token> tokens;
  if (!settings.tokens.empty()) { STREAM_ASSIGN(tokens, load_tokens(settings.tokens)); }
  std::unique_ptr<SharedJobs> shared;
  if (!settings.ha.empty()) { STREAM_ASSIGN(shared, SharedJobs::open(settings.ha)); }
  auto parts = std::make_unique<Parts>(settings, std::move(tokens), std::move(shared));
  STREAM_TRY(make_folder(stream_home()));
  STREAM_ASSIGN(parts->log->audit, Audit::open(stream_home() + "/.serve"));
  STREAM_ASSIGN(auto store, OperationStore::open(stream_home() + "/.serve/operations.sqlite"));
  parts->operations =
      std::make_unique<Operations>(system_clock(), std::move(store),
                                   [log = parts->log](const OperationRecord& record) { log->write(end_of(record)); });
  STREAM_ASSIGN(parts->streams, LiveStreams::open(parts->jobs, settings.permissions));
  Parts* all = parts.get();
  Server::Talk talk;
  talk.gate = [all](const Head& head, Request& request) { return all->gate(head, request); };
  talk.answer = [all](const Request& request) { return all->answer(request); };
  STREAM_ASSIGN(parts->server, Server::open(settings.server, std::move(talk)));
  parts->address = address_text(settings.server.host, parts->server->port());
  std::unique_ptr<Service> service(new Service(std::move(parts)));
  if (all->shared) {
    all->shared->advertise(settings.advertise.empty() ? service->url() : settings.advertise);
    all->shared->keep([all](const std::string& manifest) { return all->changes.stand_by(manifest); });
  }
  return service;
}

}  // namespace stream::http
