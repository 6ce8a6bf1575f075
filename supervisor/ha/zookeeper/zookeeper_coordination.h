// ZooKeeperCoordination: an ensemble of ZooKeeper, by its C client (libzookeeper_mt).
//
//   PATH/JOB/term  job       the registers: version n of ours is version n - 1 of the node
//   PATH/JOB/alive/ID        of a supervisor: gone with its session (ephemeral)
//
// The session is as long as the lease, in the bounds of the servers. One that expired is replaced: what was written by
// it holds, and its sign of life is shown anew. With STREAM_ZOOKEEPER_AUTH=user:password nodes are made for that user
// alone (scheme digest).
#pragma once

#define THREADED  // the client with calls that wait
#include <zookeeper/zookeeper.h>

#include <functional>
#include <mutex>
#include <string>

#include "supervisor/ha/coordination.h"

namespace stream::ha {

class ZooKeeperCoordination : public Coordination {
 public:
  // Errors: kSystem, if no server of the ensemble answers within the lease, 10 s at least.
  static Result<std::unique_ptr<ZooKeeperCoordination>> open(const Place& place, const std::string& job,
                                                             const std::string& id);
  ~ZooKeeperCoordination() override;

  Result<Entry> read(Register which) override;
  Result<std::optional<std::uint64_t>> write(Register which, std::uint64_t expected, const std::string& text) override;
  Status beat(std::uint64_t term) override;
  Result<Pulse> pulse(std::uint64_t term, const std::string& leader) override;
  Status leave(std::uint64_t term) override;

 private:
  ZooKeeperCoordination(const Place& place, const std::string& job, const std::string& id);
  // Calls it on the session; one that has expired is replaced first.
  int with_session(const std::function<int(zhandle_t*)>& call);
  Status connect();
  Status make_folders();
  Status create_if_absent(const std::string& path);
  Status error(int code, const std::string& doing) const;
  std::string path_of(Register which) const;

  Place place_;
  std::string folder_;  // PATH/JOB
  std::string alive_;   // PATH/JOB/alive/ID
  std::string auth_;
  std::mutex mutex_;  // of the session
  zhandle_t* session_ = nullptr;
};

}  // namespace stream::ha
