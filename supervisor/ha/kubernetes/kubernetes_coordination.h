// KubernetesCoordination: the API server of a cluster.
//
//   ConfigMap stream-JOB.term  stream-JOB.job   the registers: data.text, and data.version, a number that grows by one
//   Lease     stream-JOB                        of the leader: its id, its term (leaseTransitions), when it last showed
//                                               itself; without a holder it has gone
//
// A ConfigMap is replaced only as the version of the object that was read (resourceVersion), which the API server
// compares in one transaction of its store. Objects that are there and empty, as `stream deploy` makes them, are as
// good as none: then nothing need be allowed but to read and to replace these three.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "supervisor/ha/coordination.h"
#include "supervisor/kubernetes/api/api.h"

namespace stream::ha {

class KubernetesCoordination : public Coordination {
 public:
  // Errors: kUsage for a name of a job that no object can have; kFailed if the cluster does not let us; kSystem.
  static Result<std::unique_ptr<KubernetesCoordination>> open(const Place& place, const std::string& job,
                                                              const std::string& id);

  Result<Entry> read(Register which) override;
  Result<std::optional<std::uint64_t>> write(Register which, std::uint64_t expected, const std::string& text) override;
  Status beat(std::uint64_t term) override;
  Result<Pulse> pulse(std::uint64_t term, const std::string& leader) override;
  Status leave(std::uint64_t term) override;

 private:
  // An object as it was last seen.
  struct Seen {
    bool there = false;
    std::string resource;       // its resourceVersion
    std::uint64_t version = 0;  // ours; of a Lease: its term
    std::string text;           // of a Lease: its holder
    std::string renewed;        // of a Lease
  };
  KubernetesCoordination(kubernetes::ApiPlace api, const Place& place, std::string job, std::string id);
  // Errors as of status_of(); what was allowed once and is refused now may be allowed again: kSystem.
  Status refused(const std::string& doing, const kubernetes::ApiAnswer& answer) const;
  Result<Seen> look(Register which);
  Result<Seen> look_lease();
  // False: somebody else was there.
  Result<bool> replace(const std::string& path, const std::string& name, nlohmann::json object, const Seen& seen);
  Status put_lease(std::uint64_t term, const std::string& holder, const Seen& seen, bool* done);
  std::string name_of(Register which) const;

  kubernetes::Api api_;
  Place place_;
  std::string job_;
  std::string id_;
  std::atomic<bool> allowed_ = false;
  std::mutex mutex_;            // of what follows
  std::array<Seen, 2> latest_;  // of the registers: it saves a question before most writes
};

}  // namespace stream::ha
