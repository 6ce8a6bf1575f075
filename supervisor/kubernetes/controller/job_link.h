// JobLink: a job in its Pods, asked over HTTP as stream-rest(7) has it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/kubernetes/api/api.h"
#include "supervisor/kubernetes/controller/model.h"

namespace stream::kubernetes {

class JobLink {
 public:
  JobLink(std::string job, std::string token) : job_(std::move(job)), token_(std::move(token)) {}

  // At the first of these addresses where it is led, for this and the calls below. None: it does not answer.
  std::optional<JobSeen> look(const std::vector<std::string>& addresses);

  // What has become of it; what is not known there is asked for. None: it does not answer.
  std::optional<Outcome> pursue(const Asked& asked);

 private:
  std::string path(const std::string& behind) const { return "/jobs/" + job_ + "/" + behind; }

  std::string job_;
  std::string token_;
  std::unique_ptr<Api> api_;  // where it was seen
};

}  // namespace stream::kubernetes
