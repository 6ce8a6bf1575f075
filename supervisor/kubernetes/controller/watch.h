// Watch: which pipelines of a namespace are to be looked at, told as soon as the API server tells it. A thread of its
// own follows; what it holds is a name a pipeline at most.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "supervisor/kubernetes/controller/cluster.h"

namespace stream::kubernetes {

class Watch {
 public:
  // `cluster` is used by the thread alone.
  explicit Watch(ApiPlace place);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Those that have changed since they were taken last; waits for one, for so long at most.
  std::set<std::string> take(Microseconds patience);
  // All there are.
  std::set<std::string> all() const;

 private:
  void follow();
  Status follow_once(std::string& version);
  bool is_over() const;
  Result<std::string> begin();                               // lists; gives the version from which to follow
  bool hear(const std::string& line, std::string& version);  // false: it is to be listed again
  void note(const nlohmann::json& pipeline);

  Cluster cluster_;
  Api api_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::map<std::string, std::string> known_;  // generation and id by name
  std::set<std::string> due_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace stream::kubernetes
