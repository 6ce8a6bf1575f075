// SharedJobs: the jobs that this server has in common with those of other hosts, and the thread that has supervisors
// stand by for them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "supervisor/ha/roll.h"
#include "supervisor/ha/term.h"
#include "supervisor/http/changes.h"
#include "supervisor/http/standby_keeper.h"

namespace stream::http {

class SharedJobs {
 public:
  // `place`: as --ha has it. Errors: kUsage, kSystem, kFailed.
  static Result<std::unique_ptr<SharedJobs>> open(const std::string& place);
  ~SharedJobs();

  // Options of `stream run` for what is in common. `url`: where others reach this server.
  std::vector<std::string> options() const;
  // Called before keep().
  void advertise(const std::string& url);

  // Called before a job begins, so that no server can miss it.
  Status add(const std::string& job) { return roll_.add(job); }
  // It could not begin, unless it had begun before.
  void strike_unless_led(const std::string& job);
  Result<StandbyKeeper::Known> known(const std::string& job) const;
  // By its name or id; none where there is none, or the place is out of reach.
  std::optional<SharedJob> find(const std::string& wanted);

  // Has supervisors stand by from now on: `stand_by` begins one, and returns when it does.
  void keep(std::function<Status(const std::string& manifest)> stand_by);
  // No more from here on; what is being begun is waited for.
  void stop();

 private:
  Result<ha::Term> term_of(const std::string& job) const;
  SharedJobs(ha::Place place, std::shared_ptr<ha::Coordination> coordination, std::string id)
      : place_(std::move(place)), id_(std::move(id)), roll_(std::move(coordination)) {}
  void look_again_and_again(StandbyKeeper keeper);

  const ha::Place place_;
  const std::string id_;
  ha::Roll roll_;

  mutable std::mutex mutex_;  // of what follows
  std::string url_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace stream::http
