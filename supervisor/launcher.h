// Launcher: what starts the instances of a job, on this host or on others, and tells how they end.
//
// Nothing here waits. Starting and ending are events: whoever polls adds the descriptors of add_to(), and calls turn()
// when one is readable or the time of next_turn() has come. An instance on a host that cannot be reached yet is
// started when it can; one whose host is lost ends with ProcessExit::lost.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/stage_process.h"
#include "transport/channel.h"

namespace stream {

struct Launch {
  std::string label;               // "errors.0": for messages
  std::string host;                // its name in the manifest; "" = this one
  std::string executable;          // path on this host
  std::string endpoint;            // of the control connection, for instances of this host
  std::string identity;            // on that connection
  int output = -1;                 // of this host: where standard output goes
  std::uint64_t memory_bytes = 0;  // its bound, for those that hand out memory
};

// Where an instance is, as far as it differs from the supervisor's own place.
struct LaunchPlace {
  bool far = false;     // on another host
  std::string address;  // of its host, which other hosts reach; "" where there are none
  std::string folder;   // far: for its files
  std::string sockets;  // far: for its sockets
};

// One instance. Its destructor ends what still runs; on another host that may take a while, see Launcher::settled().
class LaunchedInstance {
 public:
  virtual ~LaunchedInstance() = default;
  virtual pid_t pid() const = 0;  // on its host; 0 before it is known
  // Known once the instance has said anything.
  virtual LaunchPlace place() const = 0;
  virtual void add_to(Poller& poller) const = 0;
  // Whole lines that it has written since the last call.
  virtual std::vector<std::string> read_lines() = 0;
  virtual const std::deque<std::string>& last_lines() const = 0;
  virtual std::optional<ProcessExit> reap() = 0;  // if it has ended; once
  virtual void signal(int number) = 0;
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  // Begins to. Errors: kSystem, kNotFound, naming the executable; what fails later is an end of the instance.
  virtual Result<std::unique_ptr<LaunchedInstance>> start(const Launch& launch) = 0;

  virtual void add_to(Poller& /*poller*/) const {}
  virtual Status turn(Microseconds /*now*/) { return {}; }
  virtual Microseconds next_turn() const { return INT64_MAX; }  // monotonic

  // False while something may still run that was told to end, on a host that is not lost, or while hosts are being
  // gathered: what comes next waits.
  virtual bool settled() const { return true; }
  // Looks which hosts answer, before anything is started. Those that are much slower than the others are left out until
  // they answer, if `fits` without them; `doubtful` ones sooner.
  using Fits = std::function<bool(const std::set<std::string>& without)>;
  virtual void gather(const std::set<std::string>& /*doubtful*/, Fits /*fits*/) {}
  // Hosts that nothing can be placed on; those that are to be left are among them.
  virtual std::set<std::string> lost() const { return {}; }
  // Hosts whose instances run on, but not for long: let_go() ends what is there.
  virtual std::set<std::string> leaving() const { return {}; }
  virtual void let_go(const std::string& /*host*/, Microseconds /*now*/) {}
  // What happened to hosts since the last call, for the log: "host 'b' is lost: …".
  virtual std::vector<std::string> take_news() { return {}; }
};

// What `--control` of an instance says. `keyed`: it finds the key in its standard input.
std::string control_text(const std::string& endpoint, const std::string& identity, bool keyed);

// Processes of this host, forked. `address`: of this host, which others reach; "" where there are none.
std::unique_ptr<Launcher> make_local_launcher(int lock, std::string address = {});

}  // namespace stream
