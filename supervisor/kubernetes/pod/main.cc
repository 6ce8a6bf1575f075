// stream-pod: makes a Pod for a host of a job, beside its supervisor; and joins it, in that Pod. See
// stream-kubernetes(7).
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "supervisor/kubernetes/pod/join.h"
#include "supervisor/kubernetes/pod/place.h"

namespace {

stream::Status run(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "join" && argc == 2) return stream::kubernetes::join();
  if (what == "place" && argc == 6)
    return stream::kubernetes::place({.job = argv[2],
                                      .host = argv[3],
                                      .cpus = std::strtod(argv[4], nullptr),
                                      .memory_bytes = std::strtoull(argv[5], nullptr, 10)});
  return stream::usage_error("this is started by supervisors on Kubernetes; see stream-kubernetes(7)");
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const stream::Status status = run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "stream-pod: fatal: %s\n", status.what().c_str());
  return status.code() == stream::Code::kUsage ? 100 : 1;
}
