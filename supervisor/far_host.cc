#include "supervisor/far_host.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr Microseconds kConnectPatience = 20'000'000;  // ssh gives up before that and says why
constexpr Microseconds kPodPatience = 120'000'000;     // stream-pod gives up before that and says why
constexpr Microseconds kPodUnused = 30'000'000;        // then it goes
constexpr Microseconds kRetryEvery = 3'000'000;
constexpr Microseconds kQueueAgain = 30'000'000;  // Slurm has refused, and will not soon think otherwise
constexpr Microseconds kQueuePatience = 365LL * 86'400 * 1'000'000;
constexpr Microseconds kSendAgain = 5'000;  // what the connection could not take
constexpr std::size_t kLinesKept = 20;

bool is_number(const std::string& address) {
  return !address.empty() && address.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

FarHost::FarHost(Setup setup) : setup_(std::move(setup)) {
  if (!queues()) return;
  state_ = State::kLost;
  was_lost_ = true;
}

// The connection ends, and with it whatever runs there. Who waits in a queue takes leave of it.
FarHost::~FarHost() {
  if (!process_ || state_ == State::kUp) return;
  queues() ? process_->terminate() : process_->kill();
}

std::vector<std::string> FarHost::command() const {
  const HostSpec& spec = setup_.spec;
  if (spec.pod)
    return {setup_.agent.substr(0, setup_.agent.rfind('/')) + "/stream-pod",
            "place",
            setup_.job,
            spec.name,
            std::to_string(spec.cpus),
            std::to_string(spec.memory_bytes)};
  if (queues()) {
    std::vector<std::string> words = spec.own_job;
    words.push_back(setup_.agent);
    return words;
  }
  // Beside whatever else is in the allocation, with all that the node has of it.
  if (spec.slurm)
    return {"srun",
            "--quiet",
            "--nodes=1",
            "--ntasks=1",
            "--nodelist=" + spec.name,
            "--overlap",
            "--mem=0",
            "--job-name=stream-agent",
            setup_.agent};
  std::vector<std::string> words = {
      "ssh",           "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o",
      "LogLevel=ERROR"};
  if (spec.port != 0) words.insert(words.end(), {"-p", std::to_string(spec.port)});
  if (!spec.user.empty()) words.insert(words.end(), {"-l", spec.user});
  words.insert(words.end(), spec.ssh.begin(), spec.ssh.end());
  words.insert(words.end(), {"--", spec.address, "exec " + shell_quoted(setup_.agent)});
  return words;
}

Microseconds FarHost::patience() const {
  if (state_ == State::kUp) return setup_.silence;
  if (queues()) return kQueuePatience;
  return setup_.spec.pod ? kPodPatience : kConnectPatience;
}

void FarHost::connect(Microseconds now) {
  state_ = State::kConnecting;
  heard_ = now;
  pinged_ = now;
  // It would delete the next Pod of that name, which sees to the one before.
  if (dismissed_) dismissed_->kill();
  dismissed_.reset();
  auto process = PipedProcess::start(command());
  if (!process.ok()) return lose(process.status().what(), now);
  process_.emplace(*std::move(process));
  link_ = LineLink(process_->talk(), process_->talk());
  AgentMessage hello{.type = "hello"};
  hello.job = setup_.job;
  hello.place = setup_.place;
  hello.folder = setup_.spec.folder;
  hello.silence_us = setup_.silence;
  say(hello);
}

std::shared_ptr<FarInstance> FarHost::start(const Launch& launch, const std::string& program) {
  auto instance = std::make_shared<FarInstance>();
  instance->id = next_id_++;
  instances_[instance->id] = instance;
  waiting_.push_back({launch, {program, instance->id}});
  return instance;
}

void FarHost::signal(const FarInstance& instance, int number) {
  const auto waits = std::ranges::find_if(waiting_, [&](const auto& one) { return one.second.second == instance.id; });
  if (waits != waiting_.end() && number == SIGKILL) {  // it has not been started
    waiting_.erase(waits);
    if (const auto at = instances_.find(instance.id); at != instances_.end())
      ended(*at->second, {.signalled = true, .code = SIGKILL});
  } else if (state_ == State::kUp && !instance.exit) {
    say({.type = "signal", .id = instance.id, .number = number});
    (void)link_.flush();
  }
}

LaunchPlace FarHost::place() const {
  const std::string& named = setup_.spec.address;
  return {.far = true,
          .address = is_number(named) ? named : hello_.address,
          .folder = hello_.folder,
          .sockets = hello_.sockets};
}

void FarHost::add_to(Poller& poller) const {
  if (process_) poller.add_descriptor(process_->talk());
}

Microseconds FarHost::next_turn() const {
  if (state_ == State::kLost) return retry_at_;
  if (state_ == State::kIdle) return waiting_.empty() ? INT64_MAX : 0;
  if (link_.waiting() > 0) return system_clock().monotonic_us() + kSendAgain;
  return std::min(heard_ + patience(), pinged_ + setup_.silence / 4);
}

bool FarHost::settled() const {
  return std::ranges::none_of(instances_, [](const auto& one) { return one.second->leaving; });
}

void FarHost::turn(Microseconds now) {
  if (dismissed_ && dismissed_->has_ended()) dismissed_.reset();
  if (state_ == State::kIdle && waiting_.empty()) return;
  if (state_ == State::kIdle || (state_ == State::kLost && now >= retry_at_)) connect(now);
  if (state_ == State::kLost) return;
  take_lines(now);
  if (state_ == State::kUp) {
    for (const auto& [launch, what] : std::exchange(waiting_, {})) {
      AgentMessage start{.type = "start", .id = what.second};
      start.program = what.first;
      start.control = control_text(endpoint_, launch.identity, true);
      start.secret = setup_.secret;
      say(start);
    }
    if (now - pinged_ >= setup_.silence / 4) {
      pinged_ = now;
      say({.type = "ping"});
    }
  }
  if (setup_.spec.pod) dismiss_unused(now);
  if (state_ == State::kIdle) return;
  if (now - heard_ >= patience()) return lose("it has said nothing for " + format_duration(patience()), now);
  if (state_ != State::kLost && !link_.flush().ok()) lose(last_words(), now);
}

void FarHost::take_lines(Microseconds now) {
  std::vector<std::string> lines;
  const Status read = link_.read(lines);
  if (!lines.empty()) heard_ = now;
  for (const std::string& line : lines) {
    const auto message = agent_message_from_json(line);
    const Status taken = message.ok() ? take(*message) : message.status();
    if (!taken.ok()) return lose(taken.what(), now);
  }
  if (!read.ok()) lose(last_words(), now);
}

Status FarHost::greeted(const AgentMessage& hello) {
  hello_ = hello;
  STREAM_ASSIGN(endpoint_, setup_.door(hello.reaches));
  state_ = State::kUp;
  refused_.clear();
  const std::string what = queues() ? "there: node '" + hello_.node + "'" : "back";
  if (std::exchange(was_lost_, false)) news_ = "host '" + name() + "' is " + what + "; the next attempt can use it";
  return {};
}

Status FarHost::take(const AgentMessage& message) {
  if (message.type == "hello") return greeted(message);
  if (message.type == "failed") return failed(message.text);
  if (message.type == "pong") return {};
  if (message.type == "leaving") {
    leave(message.text);
    return {};
  }
  const auto at = instances_.find(message.id);
  if (at == instances_.end()) return {};
  FarInstance& instance = *at->second;
  if (message.type == "started") {
    instance.pid = static_cast<pid_t>(message.number);
  } else if (message.type == "said") {
    instance.last_lines.push_back(message.text);
    if (instance.last_lines.size() > kLinesKept) instance.last_lines.pop_front();
    instance.lines.push_back(message.text);
  } else if (message.type == "ended") {
    ProcessExit exit = message.exit;
    if (!message.text.empty()) exit.lost = message.text + " on host '" + name() + "'";
    ended(instance, exit);
  } else {
    return corrupt("unknown message '" + message.type + "'");
  }
  return {};
}

void FarHost::ended(FarInstance& instance, ProcessExit exit) {
  instance.exit = std::move(exit);
  instances_.erase(instance.id);  // may be the last to hold it
}

// What ssh, srun or stream-pod, or the shell there, has said.
std::string FarHost::last_words() {
  std::string text;
  char chunk[4096];
  for (ssize_t n = ::read(process_->errors(), chunk, sizeof chunk); n > 0;
       n = ::read(process_->errors(), chunk, sizeof chunk))
    text.append(chunk, static_cast<std::size_t>(n));
  const std::string_view words = trim(text);
  if (words.empty()) return "the connection has ended";
  if (setup_.spec.slurm || setup_.spec.pod)
    return join(split(words, '\n'), "; ");  // why comes before what has come of it
  const std::string_view last = words.substr(words.rfind('\n') == std::string_view::npos ? 0 : words.rfind('\n') + 1);
  return "ssh: " + std::string(trim(last));
}

void FarHost::keep_off(const std::string& why, Microseconds now) {
  if (kept_off_ == !why.empty()) return;
  kept_off_ = !why.empty();
  if (kept_off_ && state_ == State::kUp) return leave(why);
  leave_why_.clear();
  if (kept_off_) lose(why, now);
  retry_at_ = kept_off_ ? INT64_MAX : now;
}

void FarHost::leave(const std::string& why) {
  if (leaving()) return;
  leave_why_ = why;
  news_ = "host '" + name() + "' is left at the next checkpoint: " + why;
}

void FarHost::let_go(Microseconds now) {
  if (!leaving()) return;
  lose(std::string(leave_why_), now);
  if (kept_off_) retry_at_ = INT64_MAX;
}

// A Pod holds what it asked for while it lives. The next instance that is placed there has another made.
void FarHost::dismiss_unused(Microseconds now) {
  if (state_ != State::kUp || leaving() || !instances_.empty() || !waiting_.empty()) return unused_since_.reset();
  if (!unused_since_) unused_since_ = now;
  if (now - *unused_since_ < kPodUnused) return;
  unused_since_.reset();
  process_->end_input();
  dismissed_ = std::exchange(process_, std::nullopt);
  link_ = LineLink();
  state_ = State::kIdle;
  news_ = "host '" + name() + "' is unused: its Pod goes, until it is needed";
}

void FarHost::leave_out() {
  was_lost_ = true;
  news_ = "host '" + name() + "' is lost: it has not answered yet, and the others have";
}

// Whatever runs there ends by itself, or has ended; no attempt waits for it.
void FarHost::lose(const std::string& why, Microseconds now) {
  if (process_) process_->kill();
  process_.reset();
  link_ = LineLink();
  const bool again = std::exchange(was_lost_, true);
  const bool refused = queues() && again && std::exchange(refused_, why) != why;
  state_ = State::kLost;
  retry_at_ = now + (queues() && again ? kQueueAgain : kRetryEvery);
  hello_.node.clear();
  leave_why_.clear();
  waiting_.clear();
  const std::string text = "host '" + name() + "' is lost: " + why;
  if (!again || refused) news_ = text;
  for (const auto& [id, instance] : std::exchange(instances_, {})) instance->exit = ProcessExit{.lost = text};
}

}  // namespace stream
