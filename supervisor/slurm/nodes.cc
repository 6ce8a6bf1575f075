#include "supervisor/slurm/nodes.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "supervisor/slurm/script.h"
#include "supervisor/tool.h"
#include "transport/base/own_addresses.h"
#include "transport/base/text.h"

namespace stream::slurm {
namespace {

constexpr std::size_t kMoreMost = 16;  // that are waited for at a time, by a process each

// Of "NodeName=n1 Arch=x86_64 …": what users write themselves, as a reason, comes behind all that is asked for here.
std::string value_of(std::string_view line, const std::string& key) {
  for (const std::string& word : split(std::string(line), ' ')) {
    if (word.starts_with(key + "=")) return word.substr(key.size() + 1);
  }
  return {};
}

Environment environment() {
  Environment found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

std::uint32_t number_or(const std::string& text, std::uint32_t otherwise) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : otherwise;
}

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

Result<std::string> number_of(const std::string& node, const std::string& address) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(address.c_str(), nullptr, &hints, &found); error != 0)
    return failed("unable to find the address '" + address + "' of node '" + node + "': " + ::gai_strerror(error));
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr, text, sizeof text);
  ::freeaddrinfo(found);
  return std::string(text);
}

// Of those of the user's further options that say which nodes may be had.
bool chooses_nodes(const std::string& option) {
  constexpr std::array<std::string_view, 7> kThose = {"--qos",       "--constraint", "--reservation", "--gres",
                                                      "--exclusive", "--wckey",      "--nice"};
  const std::string_view name = std::string_view(option).substr(0, option.find('='));
  return std::ranges::find(kThose, name) != kThose.end();
}

}  // namespace

Result<std::vector<Node>> parse_nodes(std::string_view text) {
  std::vector<Node> nodes;
  for (const std::string& line : split(std::string(text), '\n')) {
    if (trim(line).empty()) continue;
    Node node{.name = value_of(line, "NodeName"), .address = value_of(line, "NodeAddr")};
    if (node.name.empty() || node.address.empty())
      return corrupt("scontrol says nothing of a node's name and address: '" + line + "'");
    const std::string features = value_of(line, "ActiveFeatures");
    if (!features.empty() && features != "(null)") node.features = split(features, ',');
    nodes.push_back(std::move(node));
  }
  return nodes;
}

bool in_allocation() { return !variable("SLURM_JOB_ID").empty() && !variable("SLURM_JOB_NODELIST").empty(); }

std::vector<std::string> own_job(const std::string& job, const SlurmSpec& spec, const Environment& environment) {
  const auto value = [&](const char* name) {
    const auto at = environment.find(name);
    return at == environment.end() ? std::string() : at->second;
  };
  // srun would take what it finds there for options, and the allocation for the one it is to use.
  std::vector<std::string> words = {"env"};
  for (const auto& [name, text] : environment) {
    const bool ours = (name.starts_with("SLURM_") && !name.starts_with("SLURM_CONF")) || name.starts_with("SRUN_");
    if (ours) words.push_back("--unset=" + name);
  }
  words.insert(words.end(), {"srun", "--quiet"});
  constexpr std::string_view kExclude = "--exclude=";
  std::string others = std::string(kExclude) + value("SLURM_JOB_NODELIST");  // than those it has
  for (const std::string& option : spec.options) {
    if (chooses_nodes(option)) words.push_back(option);
    if (option.starts_with(kExclude)) others += "," + option.substr(kExclude.size());
  }
  words.push_back(others);
  words.insert(words.end(), {"--nodes=1", "--ntasks=1", "--job-name=" + more_name(job, value("SLURM_JOB_ID"))});
  const auto add = [&](const char* option, const std::string& text) {
    if (!text.empty()) words.push_back(option + text);
  };
  add("--partition=", value("SLURM_JOB_PARTITION"));
  add("--account=", value("SLURM_JOB_ACCOUNT"));
  add("--cpus-per-task=", value("SLURM_CPUS_PER_TASK"));
  add("--mem=", value("SLURM_MEM_PER_NODE"));
  if (spec.time != 0) add("--time=", time_text(spec.time));
  // Where srun died with its node nobody else gives the allocation back.
  words.insert(words.end(), {"sh", "-c", "\"$0\"; exec scancel --quiet \"$SLURM_JOB_ID\""});
  return words;
}

Result<std::vector<HostSpec>> allocated_hosts(const PipelineSpec& pipeline) {
  const SlurmSpec& spec = pipeline.slurm;
  const bool bounded =
      std::ranges::any_of(pipeline.stages, [](const StageSpec& stage) { return stage.bounds.given(); });
  // Stages with bounds take the room there is: a processor an instance.
  const std::uint32_t slots = bounded ? number_or(variable("SLURM_CPUS_PER_TASK"), 0) : 0;
  STREAM_ASSIGN(const std::string text,
                run_tool("scontrol", {"--oneliner", "show", "node", variable("SLURM_JOB_NODELIST")}));
  STREAM_ASSIGN(const std::vector<Node> nodes, parse_nodes(text));
  const std::string own = variable("SLURMD_NODENAME");  // "" where salloc has started it elsewhere
  std::vector<HostSpec> hosts;
  std::string other;
  for (const Node& node : nodes) {
    HostSpec host{.name = node.name, .folder = spec.folder, .slots = slots, .labels = node.features, .slurm = true};
    host.here = node.name == own;
    if (!host.here) {
      STREAM_ASSIGN(host.address, number_of(node.name, node.address));
      if (other.empty()) other = host.address;
    }
    hosts.push_back(std::move(host));
  }
  // Not by its own name, which a host often calls 127.0.1.1.
  for (HostSpec& host : hosts) {
    if (!host.here) continue;
    STREAM_ASSIGN(host.address, other.empty() ? Result<std::string>("127.0.0.1") : own_address_towards(other));
  }
  const bool grows = bounded && spec.nodes_most > nodes.size();  // nobody else would use them before the next attempt
  const std::size_t more = grows ? std::min(kMoreMost, spec.nodes_most - nodes.size()) : 0;
  for (std::size_t i = 1; i <= more; ++i) {
    hosts.push_back({.name = "more-" + std::to_string(i),
                     .folder = spec.folder,
                     .slots = slots,
                     .slurm = true,
                     .own_job = own_job(pipeline.name, spec, environment())});
  }
  return hosts;
}

}  // namespace stream::slurm
