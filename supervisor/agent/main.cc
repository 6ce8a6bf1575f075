// stream-agent: what a supervisor on another host starts its instances with, over ssh; see stream-hosts(7). It speaks
// with its standard input and output: supervisor/agent/messages.h.
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "supervisor/agent/agent.h"

int main(int argc, char** /*argv*/) {
  if (argc > 1 || ::isatty(STDIN_FILENO) != 0) {
    std::fputs("stream-agent: fatal: this is started by 'stream run' on the hosts of a manifest; see stream-hosts(7)\n",
               stderr);
    return 100;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);  // the end of input is what ends it
  sigset_t leave;
  sigemptyset(&leave);
  sigaddset(&leave, SIGUSR1);
  sigprocmask(SIG_BLOCK, &leave, nullptr);
  stream::Agent agent(STDIN_FILENO, STDOUT_FILENO, ::signalfd(-1, &leave, SFD_CLOEXEC | SFD_NONBLOCK));
  const stream::Status status = agent.run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "stream-agent: fatal: %s\n", status.what().c_str());
  return 1;
}
