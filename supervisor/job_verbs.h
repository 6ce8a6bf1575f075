// JobVerbs: answers what `stream` asks a running job over its socket.
//
// One JSON object each way: {"verb": "stop", …} and {"ok": true, …} or {"error": "…"}. Answers to
// verbs that wait (savepoint, checkpoint, stop, wait) come when what they wait for has happened.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "supervisor/job_runner.h"
#include "supervisor/savepoint_catalogue.h"
#include "supervisor/tap_request.h"

namespace stream {

class JobVerbs {
 public:
  JobVerbs(JobRunner& runner, ControlServer& socket) : runner_(runner), socket_(socket) {}

  Status serve();

  void on_running();
  // Every instance is there, or those of these stages are new: those who listen to their rows go on listening.
  void on_ready(const std::set<std::size_t>& stages = {});
  void on_triggered(Epoch epoch);
  void on_aborted(Epoch epoch, const std::string& reason);
  void on_committed(Epoch epoch);
  void on_savepoint(const std::string& asked_by, Epoch epoch, const std::string& path, const Status& status);
  // The change of parallelism that was asked for is done, or is not: `answer` is JSON.
  void on_rescaled(const Result<std::string>& answer);
  void on_upgrade_step(const std::string& asked_by, const std::string& text, Microseconds elapsed);
  void on_upgraded(const std::string& asked_by, const std::string& savepoint, bool upgraded, const std::string& reason,
                   Microseconds elapsed);
  void say_goodbye();  // the job is over: every waiting verb gets its answer

 private:
  enum class WaitsFor : std::uint8_t { kTrigger, kCommit, kSavepoint, kEnd, kRunning, kAnyCommit, kUpgrade, kRescaled };
  struct Waiting {
    std::string identity;
    WaitsFor what = WaitsFor::kEnd;
    Epoch epoch;
    bool savepoint = false;
    SavepointWish wish;
  };
  void answer(const std::string& identity, const std::string& json);
  void error(const std::string& identity, const std::string& what);
  void handle(const ControlMessage& message);
  Status check_label(const std::string& label, const std::string& path = "");
  Status mark(const SavepointMark& wanted);
  void tap(const std::string& identity, const std::string& request);
  void set_log_level(const std::string& identity, const std::string& stage, const std::string& level);
  void traced(const std::string& identity, const std::string& request);
  void lookup(const std::string& identity, const std::string& request);
  void checkpoint(const std::string& identity, bool savepoint, SavepointWish wish);
  void rescale(const std::string& identity, const std::string& request);
  void stop(const std::string& identity, bool drain, bool savepoint, SavepointWish wish);
  void upgrade(const std::string& identity, const std::string& request);

  JobRunner& runner_;
  ControlServer& socket_;
  std::vector<Waiting> waiting_;
  std::vector<TapRequest> taps_;
  bool goodbye_ = false;
};

}  // namespace stream
