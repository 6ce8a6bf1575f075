#include "supervisor/slurm/nodes.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "supervisor/tool.h"
#include "transport/base/text.h"

namespace stream::slurm {
namespace {

// Of "NodeName=n1 Arch=x86_64 …": what users write themselves, as a reason, comes behind all that is asked for here.
std::string value_of(std::string_view line, const std::string& key) {
  for (const std::string& word : split(std::string(line), ' ')) {
    if (word.starts_with(key + "=")) return word.substr(key.size() + 1);
  }
  return {};
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

// Under which the other sees this host; nothing is sent.
Result<std::string> own_number(const std::string& other) {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(9);
  ::inet_pton(AF_INET, other.c_str(), &there.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  socklen_t size = sizeof here;
  const bool known = fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!known) return system_error("reach", other, error);
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &here.sin_addr, text, sizeof text);
  return std::string(text);
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

Result<std::vector<HostSpec>> allocated_hosts(const std::string& folder) {
  STREAM_ASSIGN(const std::string text,
                run_tool("scontrol", {"--oneliner", "show", "node", variable("SLURM_JOB_NODELIST")}));
  STREAM_ASSIGN(const std::vector<Node> nodes, parse_nodes(text));
  const std::string own = variable("SLURMD_NODENAME");  // "" where salloc has started it elsewhere
  std::vector<HostSpec> hosts;
  std::string other;
  for (const Node& node : nodes) {
    HostSpec host{
        .name = node.name, .folder = folder, .labels = node.features, .slurm = true, .here = node.name == own};
    if (!host.here) {
      STREAM_ASSIGN(host.address, number_of(node.name, node.address));
      if (other.empty()) other = host.address;
    }
    hosts.push_back(std::move(host));
  }
  // Not by its own name, which a host often calls 127.0.1.1.
  for (HostSpec& host : hosts) {
    if (!host.here) continue;
    STREAM_ASSIGN(host.address, other.empty() ? Result<std::string>("127.0.0.1") : own_number(other));
  }
  return hosts;
}

}  // namespace stream::slurm
