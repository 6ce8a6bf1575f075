// Cluster: what the controller reads and writes of one namespace, at its API server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/kubernetes/api/api.h"
#include "supervisor/kubernetes/controller/told.h"

namespace stream::kubernetes {

// Of the Pods of a job.
struct PodsSeen {
  std::vector<std::string> addresses;  // of those that run
  std::string trouble;                 // why one does not; "" = nothing is known to be wrong
};

class Cluster {
 public:
  explicit Cluster(ApiPlace place);

  // Errors of all: as of status_of(), above all kSystem where another try may go well.

  struct Listed {
    std::vector<nlohmann::json> pipelines;
    std::string version;  // from which they can be watched
  };
  Result<Listed> list();
  Result<std::optional<nlohmann::json>> pipeline(const std::string& name);  // none: it is gone
  // Replaces the status of what was read. False: it has been changed since.
  Result<bool> write_status(nlohmann::json pipeline, const nlohmann::json& status);

  Result<std::optional<std::string>> text_of_config_map(const std::string& name, const std::string& key);
  Result<nlohmann::json> deployment(const std::string& name);  // null: there is none
  Result<PodsSeen> pods(const std::string& job);
  Status apply(const std::vector<nlohmann::json>& objects);

  // The key that the tokens are made from; made where there is none.
  Result<std::string> key();

  const std::string& space() const { return api_.place().space; }

 private:
  std::string path(const std::string& name) const;

  Api api_;
};

}  // namespace stream::kubernetes
