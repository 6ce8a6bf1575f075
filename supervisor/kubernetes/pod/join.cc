#include "supervisor/kubernetes/pod/join.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "supervisor/kubernetes/pod/key.h"
#include "supervisor/kubernetes/pod/sockets.h"
#include "supervisor/kubernetes/pod/tls_link.h"

namespace stream::kubernetes {
namespace {

constexpr Microseconds kPatience = 30'000'000;

volatile sig_atomic_t agent_pid = 0;

// As the first process of its container it is not ended by what nobody takes. The agent has the supervisor move what
// runs here, which then ends the connection.
void on_terminate(int /*number*/) {
  if (agent_pid == 0) ::_exit(0);
  ::kill(static_cast<pid_t>(agent_pid), SIGUSR1);
}

// The agent, which is told by the words that ssh has for it who is at both ends.
Result<pid_t> start_agent(const std::string& ends, int talk) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return system_error("find", "this program", error.value());
  const std::string agent = (self.parent_path() / "stream-agent").string();
  ::setenv("SSH_CONNECTION", ends.c_str(), 1);
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("start", agent, errno);
  if (pid > 0) return pid;
  ::dup2(talk, STDIN_FILENO);
  ::dup2(talk, STDOUT_FILENO);
  ::execl(agent.c_str(), agent.c_str(), nullptr);
  ::_exit(111);
}

}  // namespace

Status join() {
  std::signal(SIGTERM, on_terminate);
  const char* address = std::getenv("STREAM_POD_ADDRESS");
  const char* secret = std::getenv("STREAM_POD_KEY");
  if (address == nullptr || secret == nullptr)
    return usage_error("this is started in Pods that a supervisor makes; see stream-kubernetes(7)");
  STREAM_ASSIGN(const std::string key, key_of(secret));
  STREAM_ASSIGN(const int socket, connect_to(address, kPatience));
  const std::string ends = other_end(socket) + " " + own_end(socket);
  STREAM_ASSIGN(TlsLink link, TlsLink::connect(socket, key, kPatience));
  ::unsetenv("STREAM_POD_KEY");  // instances have what they need in their input
  ::unsetenv("STREAM_POD_ADDRESS");
  int talk[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) != 0) return system_error("make", "a pipe", errno);
  STREAM_ASSIGN(const pid_t agent, start_agent(ends, talk[1]));
  agent_pid = agent;
  ::close(talk[1]);
  relay(link, talk[0], talk[0]);
  ::close(talk[0]);  // it ends, and all that it has started with it
  ::waitpid(agent, nullptr, 0);
  return {};
}

}  // namespace stream::kubernetes
