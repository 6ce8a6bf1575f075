// A job as a service of YARN's, in the JSON of its services' API, and what that API answers. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream::yarn {

struct Deployed {
  std::string job;
  std::string queue = {};  // "" = the cluster's default
  std::uint32_t cpus = 1;
  std::uint64_t memory_bytes = 0;
  std::string archive = {};           // URI of a .tar.gz with the programs, which a container gets; "" = none
  std::string program = {};           // path of `stream`, on every node or in the archive
  std::vector<std::string> run = {};  // its arguments: "run", "/data/counts.yaml", …
  std::string folder = {};            // current folder of the supervisor, on every node
  std::string leaders = {};           // folder in which it is decided who leads: see stream-ha(7)
};

// Errors: kUsage for what YARN would refuse, or change.
Status check(const Deployed& deployed);

std::string service(const Deployed& deployed);

std::string service_name(const std::string& job);  // "stream-counts"

// What the API says of a service, or of what it was asked for.
struct Answer {
  std::string state;   // ACCEPTED, STARTED, STABLE, …; "" = not said
  std::string id;      // "application_1795857167676_0001", or ""
  std::string reason;  // why not, in a line; or ""
};
Answer answer_of(const std::string& body);

// Whether a service in this state has containers, or is to get some.
bool is_live(std::string_view state);

}  // namespace stream::yarn
