#include <algorithm>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/host.h"
#include "supervisor/http/hosts.h"
#include "supervisor/http/log_lists.h"
#include "supervisor/log_line.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

// Memory of instances is bounded by the stage, not divided beforehand: nothing of it has a size here.
Json no_profile() {
  return {{"cpuCores", 0.0},    {"taskHeapMemory", 0}, {"taskOffHeapMemory", 0},
          {"managedMemory", 0}, {"networkMemory", 0},  {"extendedResources", Json::object()}};
}

Json unknown(std::initializer_list<const char*> names) {
  Json out = Json::object();
  for (const char* name : names) out[name] = -1;
  return out;
}

// A slot is a process; there are as many as are needed, unless a manifest says how many a host takes. Of another host
// nothing is known but what runs there.
Json host_json(const Call& call, const HostUse& host) {
  const HostFacts facts = host.own ? host_facts() : HostFacts{-1, -1, -1};
  return {{"id", host_id(host.path)},
          {"path", host.path},
          {"dataPort", -1},
          {"jmxPort", -1},
          {"timeSinceLastHeartbeat", call.site.now_ms},
          {"slotsNumber", host.places()},
          {"freeSlots", host.places() - host.instances()},
          {"totalResource", no_profile()},
          {"freeResource", no_profile()},
          {"hardware",
           {{"cpuCores", facts.cores},
            {"physicalMemory", facts.memory_bytes},
            {"freeMemory", facts.free_bytes},
            {"managedMemory", -1}}},
          {"memoryConfiguration",
           unknown({"frameworkHeap", "taskHeap", "frameworkOffHeap", "taskOffHeap", "networkMemory", "managedMemory",
                    "jvmMetaspace", "jvmOverhead", "totalFlinkMemory", "totalProcessMemory"})},
          {"blocked", false},
          {"assignedTasks", host.instances()}};
}

// All jobs log where the server is; of another host those that have instances there.
std::vector<std::string> jobs_that_log(Call& call, const HostUse& host) {
  if (host.own) return call.jobs.names();
  std::vector<std::string> names;
  for (const HostJob& job : host.jobs) names.push_back(job.name);
  return names;
}

}  // namespace

Answer get_hosts(Call& call) {
  Json all = Json::array();
  for (const HostUse& host : hosts_in_use(call)) all.push_back(host_json(call, host));
  return answer_with({{"taskmanagers", std::move(all)}});
}

Answer get_host(Call& call) {
  STREAM_HTTP_ASSIGN(const HostUse host, named_host(call));
  Json out = host_json(call, host);
  out["metrics"] = unknown({"heapUsed", "heapCommitted", "heapMax", "nonHeapUsed", "nonHeapCommitted", "nonHeapMax",
                            "directCount", "directUsed", "directMax", "mappedCount", "mappedUsed", "mappedMax",
                            "nettyShuffleMemorySegmentsAvailable", "nettyShuffleMemorySegmentsUsed",
                            "nettyShuffleMemorySegmentsTotal", "nettyShuffleMemoryAvailable", "nettyShuffleMemoryUsed",
                            "nettyShuffleMemoryTotal"});
  out["metrics"]["garbageCollectors"] = Json::array();
  out["allocatedSlots"] = Json::array();
  for (const HostJob& job : host.jobs) {
    if (job.instances == 0) continue;
    out["allocatedSlots"].push_back({{"jobId", job.id}, {"resource", no_profile()}, {"assignedTasks", job.instances}});
  }
  return answer_with(out);
}

// Stages log through their supervisor.
Answer get_host_logs(Call& call) {
  STREAM_HTTP_ASSIGN(const HostUse host, named_host(call));
  return log_list(call, jobs_that_log(call, host));
}

Answer get_host_log_file(Call& call) {
  STREAM_HTTP_ASSIGN(const HostUse host, named_host(call));
  return log_file(call, jobs_that_log(call, host));
}

namespace {

enum class Lines : std::uint8_t { kAll, kOfStages, kOfSupervisors };

constexpr std::uint64_t kLogShown = 1U << 20;  // bytes: the newest of each job

// Whether a line was said on the host: what a supervisor says, where the server is.
bool is_said_on(const HostUse& host, const std::string& job, const LogLine& line) {
  if (host.own && line.stage.empty()) return true;
  const auto at = std::ranges::find(host.jobs, job, &HostJob::name);
  if (at == host.jobs.end() || !at->which) return host.own;
  return at->which->contains({line.stage, line.instance});
}

// The newest lines of all jobs, as people read them, in order of time.
std::string newest_lines(Call& call, const HostUse& host, Lines which) {
  std::vector<std::pair<std::string, LogLine>> lines;
  for (const std::string& job : jobs_that_log(call, host)) {
    const std::string path = call.jobs.log_folder(job) + "/stream.log";
    const auto size = system_files().size(path);
    if (!size.ok()) continue;  // nothing has been logged
    const auto text = system_files().read_at(path, *size > kLogShown ? *size - kLogShown : 0, kLogShown);
    for (const std::string& one : split(text.ok() ? *text : std::string(), '\n')) {
      auto line = log_line_from_json(one);
      if (!line || !is_said_on(host, job, *line)) continue;
      if (which != Lines::kAll && line->stage.empty() != (which == Lines::kOfSupervisors)) continue;
      lines.emplace_back(job, *std::move(line));
    }
  }
  std::ranges::stable_sort(lines, {}, [](const auto& one) { return one.second.at_us; });
  std::string out;
  for (const auto& [job, line] : lines) out += job + ' ' + to_text(line) + '\n';
  return out;
}

Answer lines_answer(Call& call, Lines which) {
  STREAM_HTTP_ASSIGN(const HostUse host, named_host(call));
  return {.text = newest_lines(call, host, which), .type = "text/plain; charset=UTF-8"};
}

}  // namespace

// What supervisors say of their jobs. The server itself logs nothing but its audit.
Answer get_server_newest(Call& call) {
  return {.text = newest_lines(call, {.path = call.site.host, .own = true}, Lines::kOfSupervisors),
          .type = "text/plain; charset=UTF-8"};
}

Answer get_server_stdout(Call&) { return {.text = "", .type = "text/plain; charset=UTF-8"}; }

Answer get_host_log(Call& call) { return lines_answer(call, Lines::kAll); }

// A stage's standard output and error are lines of its log.
Answer get_host_stdout(Call& call) { return lines_answer(call, Lines::kOfStages); }

}  // namespace stream::http
