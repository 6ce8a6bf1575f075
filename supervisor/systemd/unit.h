// The units of a job that systemd runs. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stream::systemd {

struct Service {
  std::string job = {};
  std::string program = {};           // path of `stream`
  std::vector<std::string> run = {};  // its arguments: "run", "/data/counts.yaml", …
  std::string folder = {};            // where it runs
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string user = {};  // of a unit of the system: whose it is; "" = of a user's own
};

struct Unit {
  std::string name = {};  // of its file
  std::string text = {};

  bool operator==(const Unit&) const = default;
};

// The service, then the slice that its processes are in.
std::vector<Unit> units(const Service& service);

std::string service_name(const std::string& job);  // "stream-counts.service"

// A word of a command line in a unit: no variable or specifier in it is replaced, nothing splits it.
std::string command_word(const std::string& word);

}  // namespace stream::systemd
