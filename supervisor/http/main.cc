// stream-server: what `stream serve` becomes. A program of its own, so that no other verb loads what HTTP and TLS need.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "supervisor/http/service.h"

namespace {

using namespace stream;

int fail(const Status& status) {
  std::fprintf(stderr, "stream serve: fatal: %s\n", status.what().c_str());
  if (status.code() == Code::kUsage) return 100;
  return status.code() == Code::kSystem || status.code() == Code::kNotFound ? 111 : 1;
}

// A descriptor for each connection: more than a shell allows by itself.
void allow_descriptors() {
  constexpr rlim_t kWanted = 16'384;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(limit.rlim_max, kWanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);  // before any thread is there
  allow_descriptors();
  const auto settings = http::settings_from_json(argc == 2 ? argv[1] : "");
  if (!settings.ok()) return fail(settings.status());
  const auto service = http::Service::open(*settings);
  if (!service.ok()) return fail(service.status());
  // Relative paths of manifests that are sent start there.
  const auto& roots = settings->permissions.roots;
  if (!roots.empty() && ::chdir(roots.front().c_str()) != 0) return fail(system_error("enter", roots.front(), errno));
  std::printf("%s\n", (*service)->url().c_str());
  std::fflush(stdout);
  int number = 0;
  while (::sigwait(&signals, &number) != 0) {}
  (*service)->stop();
  std::_Exit(0);  // threads may still wait for the outcome of what supervisors do
}
