#include "supervisor/http/hosts.h"

#include <algorithm>
#include <numeric>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/plan_hosts.h"

namespace stream::http {
namespace {

HostUse& place_of(std::vector<HostUse>& hosts, const std::string& path) {
  const auto known = std::ranges::find(hosts, path, &HostUse::path);
  if (known != hosts.end()) return *known;
  hosts.push_back({.path = path});
  return hosts.back();
}

HostJob& job_at(HostUse& host, const std::string& name, const std::string& id) {
  if (host.jobs.empty() || host.jobs.back().name != name) host.jobs.push_back({.name = name, .id = id});
  return host.jobs.back();
}

// All of it is on the supervisor's host.
void add_here(std::vector<HostUse>& hosts, const std::string& name, const Json& summary) {
  HostJob& job = job_at(hosts.front(), name, text_of(summary, "id"));
  for (const Json& stage : summary.value("stages", Json::array())) job.instances += number_of(stage, "parallelism");
}

void add_placed(Call& call, std::vector<HostUse>& hosts, const std::string& name, const Json& summary,
                const JobPlan& plan) {
  job_at(hosts.front(), name, text_of(summary, "id")).which.emplace();
  const auto stats = call.jobs.stats(name);
  if (!stats.ok()) return;  // it starts or ends at this very moment
  for (const Json& instance : (*stats)->value("instances", Json::array())) {
    const std::string path = host_of_instance(call.site, plan, instance);
    HostUse& host = place_of(hosts, path);
    HostJob& job = job_at(host, name, text_of(summary, "id"));
    ++job.instances;
    if (!job.which) job.which.emplace();
    job.which->emplace(text_of(instance, "stage"), number_of(instance, "instance"));
    const auto spec = std::ranges::find(plan.pipeline.hosts, text_of(instance, "host"), &HostSpec::name);
    if (spec != plan.pipeline.hosts.end()) host.slots = std::max<std::int64_t>(host.slots, spec->slots);
  }
}

}  // namespace

std::int64_t HostUse::instances() const {
  return std::accumulate(jobs.begin(), jobs.end(), std::int64_t{0},
                         [](std::int64_t sum, const HostJob& job) { return sum + job.instances; });
}

std::int64_t HostUse::places() const { return std::max(slots, instances()); }

std::string host_of_instance(const Site& site, const JobPlan& plan, const Json& instance) {
  const std::string name = instance.is_object() ? text_of(instance, "host") : "";
  const std::string path = name.empty() ? "" : far_address(plan.pipeline, name);
  return path.empty() ? site.host : path;
}

std::vector<HostUse> hosts_in_use(Call& call) {
  std::vector<HostUse> hosts = {{.path = call.site.host, .own = true}};
  for (const std::string& name : call.jobs.names()) {
    const auto summary = call.jobs.summary(name);
    if (!summary.ok() || facts_of(**summary, call.site.now_ms).over) continue;
    const auto plan = call.jobs.plan(name);
    if (plan.ok() && has_far_hosts((*plan)->pipeline))
      add_placed(call, hosts, name, **summary, **plan);
    else
      add_here(hosts, name, **summary);
  }
  return hosts;
}

Result<HostUse> named_host(Call& call) {
  const std::string& wanted = call.path.find("taskmanagerid")->second;
  for (HostUse& host : hosts_in_use(call)) {
    if (wanted == host_id(host.path) || wanted == host.path) return std::move(host);
  }
  return Status(Code::kNotFound, "there is no task manager '" + wanted + "'; /taskmanagers lists all");
}

}  // namespace stream::http
