#include "cli/job_server.h"

#include <poll.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "supervisor/http/settings.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

constexpr Microseconds kPatience = 10'000'000;
constexpr std::string_view kFatal = "stream serve: fatal: ";

// The line that says where it listens. Errors: what it says instead.
Result<std::string> first_line(StageProcess& server) {
  const Microseconds until = system_clock().monotonic_us() + kPatience;
  for (;;) {
    for (const std::string& line : server.read_lines())
      return line.starts_with(kFatal) ? Result<std::string>(failed(line.substr(kFatal.size()))) : line;
    const Microseconds left = until - system_clock().monotonic_us();
    if (left <= 0) return failed("the server of --http does not answer");
    if (server.output() < 0) return failed("the server of --http has ended");
    pollfd ready{server.output(), POLLIN, 0};
    ::poll(&ready, 1, static_cast<int>(left / 1000 + 1));
  }
}

}  // namespace

Status check_job_server(const std::string& address) {
  if (address.empty()) return {};
  STREAM_ASSIGN(const http::ServerSettings settings, http::parse_address(address));
  if (http::is_loopback(settings.host)) return {};
  return usage_error("option '--http': 'stream run' serves this machine alone, not " + address +
                     "; 'stream serve' serves others, with tokens and TLS");
}

Status check_advertised(const std::string& url, bool several_supervisors) {
  if (url.empty()) return {};
  if (!several_supervisors) return usage_error("--advertise goes with --ha");
  const std::size_t host = url.find("://") + 3;
  if ((url.starts_with("http://") || url.starts_with("https://")) && url.size() > host &&
      url.find_first_of("/?# \"\\", host) == std::string::npos)
    return {};
  return usage_error("option '--advertise': '" + url + "' is no address such as https://host-a:8081");
}

Result<JobServer> start_job_server(const std::string& job, const std::string& address) {
  if (address.empty()) return JobServer();
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return system_error("find", "this program", error.value());
  // Not by the verb, which knows only jobs that are there.
  http::ServiceSettings settings;
  settings.program = self;
  settings.job = job;
  STREAM_ASSIGN(settings.server, http::parse_address(address));
  const std::string program = std::filesystem::path(self).parent_path().string() + "/" STREAM_SERVER;
  STREAM_ASSIGN(StageProcess server, StageProcess::start({program, http::to_json(settings)}, -1));
  STREAM_ASSIGN(const std::string url, first_line(server));
  std::fprintf(stderr, "%s: served at %s\n", job.c_str(), url.c_str());
  return JobServer{std::move(server), url};
}

}  // namespace stream
