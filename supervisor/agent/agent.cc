#include "supervisor/agent/agent.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <vector>

#include "supervisor/job_paths.h"
#include "transport/base/files.h"
#include "transport/base/own_addresses.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr Microseconds kEndPatience = 5'000'000;
constexpr std::size_t kWaitingMax = 4 << 20;  // then what instances say stays with them

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

// SSH_CONNECTION: the address and port of the client, then of the server. Slurm tells the first alone.
std::vector<std::string> connection() {
  if (const std::string from = variable("SLURM_LAUNCH_NODE_IPADDR"); !from.empty()) {
    const auto own = own_address_towards(from);
    return {from, "", own.ok() ? *own : ""};
  }
  std::vector<std::string> words = split(variable("SSH_CONNECTION"), ' ');
  words.resize(4);
  return words;
}

bool try_lock(int fd) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &range) == 0;
}

// The process in the file, if it is an agent: numbers are used again.
pid_t agent_in(int fd) {
  char text[32] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  pid_t pid = 0;
  if (n <= 0 || std::from_chars(text, text + n, pid).ec != std::errc() || pid <= 1) return 0;
  std::error_code none;
  const auto program = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", none);
  return program.filename().string().starts_with("stream-agent") ? pid : 0;
}

}  // namespace

Agent::~Agent() {
  processes_.clear();  // killed and reaped
  if (lock_ < 0) return;
  clear_scratch();
  ::close(lock_);
}

// Nothing there outlives the processes that made it.
void Agent::clear_scratch() const {
  std::error_code none;
  std::filesystem::remove_all(folder_ + "/scratch", none);
}

Status Agent::end_predecessor(const std::string& file) {
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return system_error("open", file, errno);
  const Microseconds until = system_clock().monotonic_us() + kEndPatience;
  while (!try_lock(lock_)) {
    // Its instances die with it: the lock, which they have inherited, is free when the last is gone.
    if (const pid_t pid = agent_in(lock_); pid != 0) ::kill(pid, SIGKILL);
    if (system_clock().monotonic_us() >= until)
      return failed("instances of an earlier attempt on this host do not end; see 'fuser " + file + "'");
    ::poll(nullptr, 0, 2);
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return system_error("write", file, errno);
  return {};
}

Status Agent::take_place(const AgentMessage& hello) {
  if (hello.place.empty() || hello.place.find('/') != std::string::npos || hello.place.starts_with('.'))
    return corrupt("'" + hello.place + "' is no place");
  folder_ = (hello.folder.empty() ? stream_home() + "/.agents" : hello.folder) + "/" + hello.place;
  STREAM_TRY(system_files().make_dir(folder_));
  STREAM_TRY(end_predecessor(folder_ + "/agent.lock"));
  clear_scratch();
  STREAM_ASSIGN(sockets_, make_socket_folder(hello.place));
  STREAM_ASSIGN(const auto names, system_files().list(sockets_));
  for (const std::string& name : names) STREAM_TRY(system_files().remove(sockets_ + "/" + name));
  return {};
}

Status Agent::greet() {
  AgentMessage hello{.type = "hello"};
  const std::vector<std::string> words = connection();
  hello.folder = folder_;
  hello.sockets = sockets_;
  hello.reaches = words[0];
  hello.address = words[2];
  hello.node = variable("SLURMD_NODENAME");
  say(hello);
  return {};
}

Status Agent::take(const AgentMessage& message) {
  if (message.type == "hello") {
    // Less than the supervisor waits before it starts others in their place.
    silence_ = message.silence_us / 4 * 3;
    STREAM_TRY(take_place(message));
    return greet();
  }
  if (lock_ < 0) return corrupt("'" + message.type + "' came before 'hello'");
  if (message.type == "start") {
    start(message);
  } else if (message.type == "signal") {
    const auto at = processes_.find(message.id);
    if (at != processes_.end()) at->second.signal(static_cast<int>(message.number));
  } else if (message.type == "ping") {
    say({.type = "pong"});
  } else {
    return corrupt("unknown message '" + message.type + "'");
  }
  return {};
}

void Agent::start(const AgentMessage& message) {
  auto process = StageProcess::start({message.program, "--control", message.control}, lock_, -1, message.secret);
  if (!process.ok()) {
    say({.type = "ended", .id = message.id, .text = process.status().what()});
    return;
  }
  say({.type = "started", .id = message.id, .number = process->pid()});
  processes_.emplace(message.id, *std::move(process));
}

void Agent::look() {
  for (auto at = processes_.begin(); at != processes_.end();) {
    auto& [id, process] = *at;
    const auto exit = process.reap();
    if (exit || link_.waiting() < kWaitingMax) {
      for (const std::string& line : process.read_lines()) say({.type = "said", .id = id, .text = line});
    }
    if (!exit) {
      ++at;
      continue;
    }
    say({.type = "ended", .id = id, .exit = *exit});
    at = processes_.erase(at);
  }
}

void Agent::look_whether_to_leave() {
  signalfd_siginfo told{};
  if (::read(leave_, &told, sizeof told) == sizeof told) say({.type = "leaving", .text = "it has been told to end"});
}

Status Agent::wait() {
  std::vector<pollfd> ready = {{in_, POLLIN, 0}, {leave_, POLLIN, 0}};
  if (link_.waiting() > 0) ready.push_back({out_, POLLOUT, 0});
  for (const auto& [id, process] : processes_) {
    ready.push_back({process.pidfd(), POLLIN, 0});
    if (link_.waiting() < kWaitingMax) ready.push_back({process.output(), POLLIN, 0});
  }
  const Microseconds left = heard_ + silence_ - system_clock().monotonic_us();
  if (left <= 0)
    return {Code::kPeerGone,
            "the supervisor has said nothing for " + format_duration(silence_) + "; all instances end"};
  if (::poll(ready.data(), ready.size(), static_cast<int>(left / 1000 + 1)) < 0 && errno != EINTR)
    return system_error("wait for", "the supervisor", errno);
  return {};
}

Status Agent::run() {
  heard_ = system_clock().monotonic_us();
  Status status;
  while (status.ok()) {
    if (status = wait(); !status.ok()) break;
    std::vector<std::string> lines;
    const Status read = link_.read(lines);
    // What waited here while this process stood still is as old as that: it does not count.
    if (!lines.empty() && system_clock().monotonic_us() - heard_ < silence_) heard_ = system_clock().monotonic_us();
    for (const std::string& line : lines) {
      const auto message = agent_message_from_json(line);
      status = message.ok() ? take(*message) : message.status();
      if (!status.ok()) break;
    }
    if (status.ok() && read.code() == Code::kPeerGone) return {};  // the supervisor has ended
    if (status.ok()) status = read;
    look();
    look_whether_to_leave();
    if (status.ok()) status = link_.flush();
  }
  processes_.clear();
  say({.type = "failed", .text = status.what()});
  (void)link_.flush();
  return status;
}

}  // namespace stream
