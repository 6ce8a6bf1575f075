#include <algorithm>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/host.h"
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

struct RunningJob {
  std::string id;
  std::int64_t instances = 0;
};

std::vector<RunningJob> running_jobs(Call& call) {
  std::vector<RunningJob> jobs;
  for (const std::string& name : call.jobs.names()) {
    const auto summary = call.jobs.summary(name);
    if (!summary.ok() || facts_of(**summary, call.site.now_ms).over) continue;
    RunningJob job{text_of(**summary, "id"), 0};
    for (const Json& stage : (*summary)->value("stages", Json::array()))
      job.instances += number_of(stage, "parallelism");
    jobs.push_back(std::move(job));
  }
  return jobs;
}

// A slot is a process; there are as many as are needed.
Json host_of(const Call& call, const std::vector<RunningJob>& jobs) {
  std::int64_t instances = 0;
  for (const RunningJob& job : jobs) instances += job.instances;
  const HostFacts facts = host_facts();
  return {{"id", host_id(call.site.host)},
          {"path", call.site.host},
          {"dataPort", -1},
          {"jmxPort", -1},
          {"timeSinceLastHeartbeat", call.site.now_ms},
          {"slotsNumber", instances},
          {"freeSlots", 0},
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
          {"assignedTasks", instances}};
}

}  // namespace

std::optional<Answer> check_host(const Call& call) {
  const std::string& wanted = call.path.find("taskmanagerid")->second;
  if (wanted == host_id(call.site.host) || wanted == call.site.host) return std::nullopt;
  return refuse(404, "there is no task manager '" + wanted + "'; /taskmanagers lists all");
}

Answer get_hosts(Call& call) {
  return answer_with({{"taskmanagers", Json::array({host_of(call, running_jobs(call))})}});
}

Answer get_host(Call& call) {
  if (auto refusal = check_host(call)) return *refusal;
  const std::vector<RunningJob> jobs = running_jobs(call);
  Json out = host_of(call, jobs);
  out["metrics"] = unknown({"heapUsed", "heapCommitted", "heapMax", "nonHeapUsed", "nonHeapCommitted", "nonHeapMax",
                            "directCount", "directUsed", "directMax", "mappedCount", "mappedUsed", "mappedMax",
                            "nettyShuffleMemorySegmentsAvailable", "nettyShuffleMemorySegmentsUsed",
                            "nettyShuffleMemorySegmentsTotal", "nettyShuffleMemoryAvailable", "nettyShuffleMemoryUsed",
                            "nettyShuffleMemoryTotal"});
  out["metrics"]["garbageCollectors"] = Json::array();
  out["allocatedSlots"] = Json::array();
  for (const RunningJob& job : jobs)
    out["allocatedSlots"].push_back({{"jobId", job.id}, {"resource", no_profile()}, {"assignedTasks", job.instances}});
  return answer_with(out);
}

// Stages log through their supervisor.
Answer get_host_logs(Call& call) {
  if (auto refusal = check_host(call)) return *refusal;
  return get_server_logs(call);
}

Answer get_host_log_file(Call& call) {
  if (auto refusal = check_host(call)) return *refusal;
  return get_server_log(call);
}

namespace {

constexpr std::uint64_t kLogShown = 1U << 20;  // bytes: the newest of each job

// The newest lines of all jobs, as people read them, in order of time.
std::string newest_lines(Call& call, bool of_stages) {
  std::vector<std::pair<std::string, LogLine>> lines;
  for (const std::string& job : call.jobs.names()) {
    const std::string path = call.jobs.log_folder(job) + "/stream.log";
    const auto size = system_files().size(path);
    if (!size.ok()) continue;  // nothing has been logged
    const auto text = system_files().read_at(path, *size > kLogShown ? *size - kLogShown : 0, kLogShown);
    for (const std::string& one : split(text.ok() ? *text : std::string(), '\n')) {
      auto line = log_line_from_json(one);
      if (line && (!of_stages || !line->stage.empty())) lines.emplace_back(job, *std::move(line));
    }
  }
  std::ranges::stable_sort(lines, {}, [](const auto& one) { return one.second.at_us; });
  std::string out;
  for (const auto& [job, line] : lines) out += job + ' ' + to_text(line) + '\n';
  return out;
}

Answer lines_answer(Call& call, bool of_stages) {
  if (auto refusal = check_host(call)) return *refusal;
  return {.text = newest_lines(call, of_stages), .type = "text/plain; charset=UTF-8"};
}

}  // namespace

Answer get_host_log(Call& call) { return lines_answer(call, false); }

// A stage's standard output and error are lines of its log.
Answer get_host_stdout(Call& call) { return lines_answer(call, true); }

}  // namespace stream::http
