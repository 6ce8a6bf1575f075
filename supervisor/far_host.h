// FarHost: one host that instances are started on over ssh or srun or in a Pod, through one connection to an agent
// there.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/agent/line_link.h"
#include "supervisor/agent/messages.h"
#include "supervisor/host_spec.h"
#include "supervisor/launcher.h"
#include "supervisor/piped_process.h"

namespace stream {

// An instance there, as far as its agent has told.
struct FarInstance {
  std::uint64_t id = 0;
  pid_t pid = 0;
  std::vector<std::string> lines;  // not taken yet
  std::deque<std::string> last_lines;
  std::optional<ProcessExit> exit;
  bool told = false;     // the end was taken
  bool leaving = false;  // nobody waits for it any more
};

class FarHost {
 public:
  struct Setup {
    HostSpec spec;
    std::string job;
    std::string place;   // see AgentMessage
    std::string agent;   // its path there
    std::string secret;  // for the input of instances
    Microseconds silence = 10'000'000;
    // Where instances find the supervisor who see its host under this address. Errors: kSystem.
    std::function<Result<std::string>(const std::string& address)> door;
  };
  explicit FarHost(Setup setup);
  ~FarHost();
  FarHost(const FarHost&) = delete;
  FarHost& operator=(const FarHost&) = delete;

  const std::string& name() const { return setup_.spec.name; }
  // Of Slurm; "" while it is not known.
  const std::string& node() const { return queues() ? hello_.node : name(); }
  std::shared_ptr<FarInstance> start(const Launch& launch, const std::string& program);
  void signal(const FarInstance& instance, int number);
  LaunchPlace place() const;
  // Connects, with nothing to start yet.
  void reach(Microseconds now) {
    if (state_ == State::kIdle) connect(now);
  }
  // It has not answered yet, nor been lost.
  bool awaited() const { return state_ == State::kConnecting && !was_lost_; }
  // It counts as lost until it answers, for which it has all the time there is.
  void leave_out();
  // It is left for that reason, and counts as lost until there is none: "".
  void keep_off(const std::string& why, Microseconds now);
  // Nothing new goes there, and what is there ends with let_go().
  bool leaving() const { return state_ == State::kUp && !leave_why_.empty(); }
  void let_go(Microseconds now);

  void add_to(Poller& poller) const;
  void turn(Microseconds now);
  Microseconds next_turn() const;
  bool lost() const { return state_ == State::kLost || (state_ == State::kConnecting && was_lost_) || leaving(); }
  bool settled() const;
  std::optional<std::string> take_news() { return std::exchange(news_, std::nullopt); }

 private:
  enum class State : std::uint8_t { kIdle, kConnecting, kUp, kLost };
  // It is had when its turn comes, and missing until then.
  bool queues() const { return !setup_.spec.own_job.empty(); }
  void connect(Microseconds now);
  void take_lines(Microseconds now);
  Status take(const AgentMessage& message);
  Status greeted(const AgentMessage& hello);
  void ended(FarInstance& instance, ProcessExit exit);
  void leave(const std::string& why);
  void dismiss_unused(Microseconds now);
  void lose(const std::string& why, Microseconds now);
  std::string last_words();
  std::vector<std::string> command() const;
  Microseconds patience() const;
  void say(const AgentMessage& message) { link_.send(to_json(message)); }

  Setup setup_;
  State state_ = State::kIdle;
  bool was_lost_ = false;  // and has not answered since
  bool kept_off_ = false;
  std::string leave_why_;  // while it is up: why it is to be left
  std::optional<PipedProcess> process_;
  std::optional<PipedProcess> dismissed_;  // deletes its Pod
  std::optional<Microseconds> unused_since_;
  LineLink link_;
  AgentMessage hello_;
  std::string endpoint_;  // of the control connection
  Microseconds heard_ = 0;
  Microseconds pinged_ = 0;
  Microseconds retry_at_ = 0;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<FarInstance>> instances_;                // that have not ended
  std::vector<std::pair<Launch, std::pair<std::string, std::uint64_t>>> waiting_;  // for the connection
  std::optional<std::string> news_;
  std::string refused_;  // why it could not be had, if that has been told
};

}  // namespace stream
