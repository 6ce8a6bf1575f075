// The API for services of a ResourceManager of YARN's, as far as a job is given to it.
#pragma once

#include <string>

#include "cli/remote/ask.h"
#include "supervisor/yarn/service.h"
#include "transport/base/status.h"

namespace stream {

class YarnServices {
 public:
  YarnServices(AskRemote ask, std::string url, std::string user)
      : ask_(ask), url_(std::move(url)), user_(std::move(user)) {}

  // Of a service of this name that is there already takes the place: one that runs is stopped first. The id of the
  // application it is.
  // Errors: kSystem where YARN is not reached, kFailed with its reason.
  Result<std::string> replace(const std::string& name, const std::string& service);

 private:
  // A body with what is known of it; `state` is "" where there is no such service.
  Result<yarn::Answer> call(const std::string& method, const std::string& name, const std::string& body);
  Status stop(const std::string& name);
  Status refused(int status, const std::string& text) const;

  AskRemote ask_;
  std::string url_;
  std::string user_;  // as whom, where the cluster believes it
};

}  // namespace stream
