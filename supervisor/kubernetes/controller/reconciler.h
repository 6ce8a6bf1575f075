// Reconciler: looks at one pipeline, decides, writes what it has decided, and then does it. Whatever ends it on the
// way, the next look goes on: all that is done may be done twice.
#pragma once

#include <map>
#include <string>

#include "supervisor/kubernetes/controller/cluster.h"
#include "supervisor/kubernetes/controller/renderer.h"

namespace stream::kubernetes {

class Reconciler {
 public:
  Reconciler(Cluster& cluster, Renderer renderer, std::string key)
      : cluster_(cluster), renderer_(std::move(renderer)), key_(std::move(key)) {}

  // True: there is more to do at once. Errors: kSystem and others of the API server; another look is worth while.
  Result<bool> look(const std::string& name);

 private:
  struct Applied {
    std::string what;     // annotation of its Deployment
    Microseconds at = 0;  // monotonic
    std::string trouble;  // why it could not be
  };
  // Errors: kFailed, saying what is wrong with what is wanted.
  Result<nlohmann::json> wanted(const nlohmann::json& pipeline);
  std::string refusal(const Kept& kept, Seen& seen, const Owner& owner);
  Status see(const Kept& kept, Seen& seen, const Owner& owner);
  Status make(const Kept& kept, const Owner& owner, const nlohmann::json& deployment);
  std::string token_of(const Owner& owner) const;
  std::string tokens_of(const Owner& owner) const;

  Cluster& cluster_;
  Renderer renderer_;
  std::string key_;
  std::map<std::string, Applied> applied_;  // by uid
};

}  // namespace stream::kubernetes
