// Where a job's log goes, as `log-to` in the manifest says it; see stream-manifest(5).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stream {

struct LogSinkSpec {
  std::string kind = {};        // file, stderr, syslog, journald
  std::string format = "text";  // or json
  std::string level = "trace";  // least severe; what the job does not log at all comes nowhere
  std::string address = {};     // of syslog and journald
  std::string facility = "daemon";
  std::uint64_t size_bytes = 16U << 20;  // of a file
  std::uint32_t keep = 5;                // files

  bool operator==(const LogSinkSpec&) const = default;
};

}  // namespace stream
