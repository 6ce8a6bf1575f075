// What else Flink's clients ask of a cluster: what there is of it here, and clear refusals of what there is not.
#include <sys/utsname.h>
#include <unistd.h>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/hosts.h"
#include "supervisor/http/metrics.h"
#include "supervisor/http/threads.h"

namespace stream::http {
namespace {

std::string url_of(const Call& call, const std::string& path) {
  return (call.site.tls ? "https://" : "http://") + call.site.address + path;
}

Json described(const ThreadFacts& thread, const std::string& owner) {
  const std::string name = owner + thread.name;
  return {{"threadName", name},
          {"stringifiedThreadInfo", '"' + name + "\" Id=" + std::to_string(thread.id) + ' ' + thread.state + '\n' +
                                        (thread.waits_in.empty() ? "" : "\tat " + thread.waits_in + '\n')}};
}

void add_threads(Json& all, pid_t pid, const std::string& owner) {
  for (const ThreadFacts& thread : threads_of(pid)) all.push_back(described(thread, owner));
}

}  // namespace

Answer get_jars(Call& call) { return answer_with({{"address", url_of(call, "")}, {"files", Json::array()}}); }

Answer get_datasets(Call&) { return answer_with({{"dataSets", Json::array()}}); }

Answer get_environment(Call&) {
  utsname system{};
  ::uname(&system);
  return answer_with({{"jvm",
                       {{"version", "none: stream " STREAM_VERSION},
                        {"arch", static_cast<const char*>(system.machine)},
                        {"options", Json::array()}}},
                      {"classpath", Json::array()}});
}

Answer get_log_url(Call& call) {
  return answer_with({{"url", url_of(call, "/jobmanager/logs/" + call.job.name + ".stream.log")}});
}

Answer get_host_log_url(Call& call) {
  STREAM_HTTP_ASSIGN(const HostUse host, named_host(call));
  return answer_with({{"url", url_of(call, "/taskmanagers/" + host_id(host.path) + "/log")}});
}

Answer get_server_threads(Call&) {
  Json all = Json::array();
  add_threads(all, ::getpid(), "");
  return answer_with({{"threadInfos", std::move(all)}});
}

// Of the instances there, if that is this host: of another one nobody can tell.
Answer get_host_threads(Call& call) {
  STREAM_HTTP_ASSIGN(const HostUse host, named_host(call));
  Json all = Json::array();
  for (const HostJob& job : host.jobs) {
    const auto stats = call.jobs.stats(job.name);
    if (!host.own || !stats.ok()) continue;
    for (const Json& instance : (*stats)->value("instances", Json::array())) {
      if (instance.value("far", false) || number_of(instance, "pid") <= 0) continue;
      const std::string label = text_of(instance, "stage") + "." + std::to_string(number_of(instance, "instance"));
      add_threads(all, static_cast<pid_t>(number_of(instance, "pid")), job.name + " " + label + " ");
    }
  }
  return answer_with({{"threadInfos", std::move(all)}});
}

// Nothing here ends when a client has gone.
Answer patch_heartbeat(Call&) {
  Answer answer = answer_with(Json::object(), 202);
  answer.reads_only = true;
  return answer;
}

Answer refuse_rescaling(Call& call) {
  return refuse(503, "this is not how a job is rescaled any more; PUT /jobs/" + call.job.id + "/resource-requirements");
}

// Any page in a browser can make it send a GET.
Answer refuse_cancel_by_get(Call& call) {
  return refuse(403, "a GET changes nothing here; PATCH /jobs/" + call.job.id + "?mode=cancel cancels the job");
}

// Jobs are not the server's: they go on.
Answer delete_cluster(Call& call) {
  if (!call.site.shut_down) return refuse(409, "this server ends with what has started it");
  call.site.shut_down();
  return answer_with(Json::object());
}

}  // namespace stream::http
