#include "supervisor/manifest_hosts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "storage/place.h"
#include "supervisor/pipeline.h"
#include "supervisor/plan.h"
#include "supervisor/plan_hosts.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

bool is_numeric(const std::string& address) {
  in6_addr parsed{};
  return ::inet_pton(AF_INET, address.c_str(), &parsed) == 1 || ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

// Words that begin with '-' would be options of ssh.
void check_word(const Node& node, const char* key, const std::string& word, Problems& problems) {
  if (word.empty() || word.front() == '-' || word.find_first_of(" \t\n") != std::string::npos)
    problems.add(node.at, "'" + std::string(key) + "': '" + word + "' is no name or address");
}

// A rule that is written, or what holds else.
PlaceRule rule_of(const Node& map, PlaceRule fallback, bool* given, Problems& problems) {
  const ManifestKey& key = key_of(manifest_keys(), "place");
  std::size_t chosen = fallback == PlaceRule::kSpread ? 0 : 1;
  read_word(map, key, chosen, problems);
  if (given != nullptr) *given = map.find("place") != nullptr;
  return chosen == 0 ? PlaceRule::kSpread : PlaceRule::kPack;
}

// What is said of machines says nothing of a Pod, and its address is the cluster's to choose.
void check_pod(const Node& node, const HostSpec& host, Problems& problems) {
  for (const char* key : {"address", "user", "port", "ssh-options", "programs"}) {
    if (const Node* given = node.find(key))
      problems.add(given->at, "host '" + host.name + "' is a Pod, which has no '" + key + "'");
  }
  if (host.cpus < 0) problems.add(node.find("cpus")->at, "'cpus' of host '" + host.name + "' is less than nothing");
}

HostSpec read_host(const std::string& name, const Node& node, Problems& problems) {
  HostSpec host{.name = name};
  const std::span<const ManifestKey> keys = keys_of("hosts");
  if (node.is_scalar()) {
    host.address = node.text;
    check_word(node, "address", host.address, problems);
    return host;
  }
  if (!check_map(node, "host '" + name + "'", keys, problems)) return host;
  read(node, "address", host.address, problems);
  std::size_t via = 0;
  read_word(node, key_of(keys, "via"), via, problems);
  host.local = via == 1;
  host.pod = via == 2;
  read(node, "user", host.user, problems);
  read_count(node, key_of(keys, "port"), host.port, problems);
  read(node, "ssh-options", host.ssh, problems);
  read(node, "programs", host.programs, problems);
  read(node, "folder", host.folder, problems);
  read_count(node, key_of(keys, "slots"), host.slots, problems);
  read(node, "labels", host.labels, problems);
  read(node, "cpus", host.cpus, problems);
  read_memory(node, "memory", host.memory_bytes, problems);
  if (host.pod) return check_pod(node, host, problems), host;
  if (host.address.empty())
    problems.add(node.at, "host '" + name + "' has no 'address': that under which others reach it");
  else
    check_word(*node.find("address"), "address", host.address, problems);
  if (host.local && !host.address.empty() && !is_numeric(host.address))
    problems.add(node.find("address")->at, "host '" + name +
                                               "' is this one: its 'address' must be a number, such as "
                                               "10.0.0.1, of an interface that the others reach");
  if (const Node* user = node.find("user")) check_word(*user, "user", host.user, problems);
  for (const char* path : {"programs", "folder"}) {
    const Node* given = node.find(path);
    if (given != nullptr && !given->text.starts_with('/'))
      problems.add(given->at, "'" + std::string(path) + "' of host '" + name + "' must be a path that begins with '/'");
  }
  return host;
}

// One that stands for several, which have its name as a label.
void add_host(const HostSpec& host, const Node& node, std::vector<HostSpec>& hosts, Problems& problems) {
  std::uint32_t count = 0;
  if (node.is_map()) read_count(node, key_of(keys_of("hosts"), "count"), count, problems);
  if (count == 0) return hosts.push_back(host);
  if (!host.pod)
    return problems.add(node.find("count")->at, "host '" + host.name + "' is no Pod, so there is one of it");
  for (std::uint32_t i = 1; i <= count; ++i) {
    hosts.push_back(host);
    hosts.back().name += "-" + std::to_string(i);
    hosts.back().labels.push_back(host.name);
  }
}

void check_different(const Node& node, const std::vector<HostSpec>& hosts, Problems& problems) {
  std::set<std::string> names;
  for (const HostSpec& host : hosts) {
    if (!names.insert(host.name).second) problems.add(node.at, "two hosts are called '" + host.name + "'");
  }
}

void check_names(const Node& node, const std::vector<HostSpec>& hosts, Problems& problems) {
  std::size_t local = 0;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Place& at = node.keys[i].at;
    if (!valid_name(hosts[i].name)) problems.add(at, "'" + hosts[i].name + "' is not a name of a host");
    if (hosts[i].local && ++local == 2) problems.add(at, "two hosts are 'via: local'; only one can be this one");
    for (const HostSpec& other : hosts) {
      if (std::ranges::find(other.labels, hosts[i].name) != other.labels.end())
        problems.add(at, "'" + hosts[i].name + "' is a host and a label; give one of them another name");
    }
  }
}

}  // namespace

void read_hosts(const Node& root, PipelineSpec& pipeline, Problems& problems) {
  pipeline.place_rule = rule_of(root, PlaceRule::kSpread, nullptr, problems);
  const Node* node = root.find("hosts");
  if (node == nullptr) return;
  pipeline.slurm_nodes = node->is_scalar() && node->text == "slurm";
  if (!pipeline.slurm_nodes && (!node->is_map() || node->keys.empty()))
    return problems.add(node->at, "'hosts' must be a map from a name to an address or a map of its keys, or 'slurm', " +
                                      std::string("the nodes of an allocation"));
  std::vector<HostSpec> hosts;
  for (std::size_t i = 0; i < node->keys.size(); ++i)
    hosts.push_back(read_host(node->keys[i].text, node->items[i], problems));
  check_names(*node, hosts, problems);
  for (std::size_t i = 0; i < hosts.size(); ++i) add_host(hosts[i], node->items[i], pipeline.hosts, problems);
  check_different(*node, pipeline.hosts, problems);
  if (!pipeline.checkpoint.path.empty()) return;
  if (!has_far_hosts(pipeline) && !pipeline.slurm_nodes) return;
  problems.add(
      node->at,
      "with several hosts 'checkpoint' needs a 'path': a folder that every host reaches under this name, as on "
      "NFS; each instance writes its snapshots there");
}

StagePlacement read_stage_placement(const Node& stage, Problems& problems) {
  StagePlacement placement;
  read(stage, "hosts", placement.hosts, problems);
  read(stage, "near", placement.near, problems);
  placement.rule = rule_of(stage, PlaceRule::kSpread, &placement.rule_given, problems);
  for (const char* key : {"hosts", "near", "place"}) {
    if (const Node* node = stage.find(key); node != nullptr && placement.at.line == 0) placement.at = node->at;
  }
  return placement;
}

// As far as it can be told before stages are planned: numbers of instances and what reads standard input come later.
void check_placement(const PipelineSpec& pipeline, Problems& problems) {
  for (const StageSpec& stage : pipeline.stages) {
    if (!pipeline.hosts.empty() || pipeline.slurm_nodes || stage.placement.at.line == 0) continue;
    problems.add(stage.placement.at,
                 "stage '" + stage.name + "' says where it may be, but the manifest has no 'hosts'");
  }
}

ordered_json hosts_to_json(const std::vector<HostSpec>& hosts) {
  ordered_json out = ordered_json::array();
  for (const HostSpec& host : hosts) {
    out.push_back({{"name", host.name},
                   {"address", host.address},
                   {"local", host.local},
                   {"user", host.user},
                   {"port", host.port},
                   {"ssh", host.ssh},
                   {"programs", host.programs},
                   {"folder", host.folder},
                   {"slots", host.slots},
                   {"labels", host.labels}});
    if (host.pod) out.back()["pod"] = {{"cpus", host.cpus}, {"memory", host.memory_bytes}};
    if (host.slurm) out.back()["slurm"] = host.here ? "here" : "there";
    if (!host.own_job.empty()) out.back()["own_job"] = host.own_job;
  }
  return out;
}

std::vector<HostSpec> hosts_from_json(const ordered_json& json) {
  std::vector<HostSpec> hosts;
  for (const ordered_json& host : json) {
    hosts.push_back({.name = host.at("name"),
                     .address = host.at("address"),
                     .local = host.at("local"),
                     .user = host.at("user"),
                     .port = host.at("port"),
                     .ssh = host.at("ssh"),
                     .programs = host.at("programs"),
                     .folder = host.at("folder"),
                     .slots = host.at("slots"),
                     .labels = host.at("labels"),
                     .slurm = host.contains("slurm"),
                     .own_job = host.value("own_job", std::vector<std::string>()),
                     .pod = host.contains("pod"),
                     .here = host.value("slurm", "") == "here"});
    if (!hosts.back().pod) continue;
    hosts.back().cpus = host["pod"].at("cpus");
    hosts.back().memory_bytes = host["pod"].at("memory");
  }
  return hosts;
}

ordered_json placement_to_json(const StagePlacement& placement) {
  ordered_json out = {{"hosts", placement.hosts}, {"near", placement.near}};
  if (placement.rule_given) out["place"] = placement.rule == PlaceRule::kSpread ? "spread" : "pack";
  return out;
}

StagePlacement placement_from_json(const ordered_json& json) {
  StagePlacement placement;
  placement.hosts = json.at("hosts");
  placement.near = json.at("near");
  placement.rule_given = json.contains("place");
  if (placement.rule_given && json.at("place") == "pack") placement.rule = PlaceRule::kPack;
  return placement;
}

}  // namespace stream
