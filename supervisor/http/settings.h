// What `stream serve` was told: on the way to the program that serves, as one JSON text.
#pragma once

#include <string>
#include <vector>

#include "supervisor/http/address.h"

namespace stream::http {

struct Permissions {
  std::vector<std::string> roots;  // absolute folders; relative paths start at the first
  bool exec = false;               // stages may run programs, and code that can do anything
};

struct ServiceSettings {
  ServerSettings server;
  std::string tokens = {};       // a file; "" = nobody needs one
  bool insecure = false;         // tokens may cross a network in the clear
  std::string program = {};      // the `stream` that resumes jobs
  Permissions permissions = {};  // of requests
  std::string job = {};          // only this one; "" = all
  std::string ha = {};           // place of servers on other hosts with the same jobs; "" = there are none
  std::string advertise = {};    // URL at which others reach this one; "" = the address it listens at
};

std::string to_json(const ServiceSettings& settings);
Result<ServiceSettings> settings_from_json(const std::string& text);  // Errors: kUsage

}  // namespace stream::http
