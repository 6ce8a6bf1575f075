// stream-controller: what `stream controller` becomes. A program of its own, so that no other verb loads what HTTP and
// TLS need. Its argument is the path of `stream`.
#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>

#include "supervisor/kubernetes/controller/controller.h"

namespace {

using namespace stream;

Status run(const std::string& program) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);  // before any thread is there
  const int fd = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  STREAM_ASSIGN(const kubernetes::ApiPlace place, kubernetes::api_of_this_pod());
  STREAM_ASSIGN(const auto tenure, kubernetes::wait_to_lead(place, fd));
  if (tenure == nullptr) return {};
  std::fprintf(stderr, "controller: leads, namespace %s\n", place.space.c_str());
  return kubernetes::look_after(place, program, *tenure, fd);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc != 2) {
    std::fputs("stream-controller: fatal: this is started by 'stream controller'\n", stderr);
    return 100;
  }
  const Status status = run(argv[1]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "stream controller: fatal: %s\n", status.what().c_str());
  return status.code() == Code::kUsage ? 100 : 1;
}
