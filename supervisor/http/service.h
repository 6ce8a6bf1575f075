// `stream serve`: jobs, access and the server put together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/http/access.h"
#include "supervisor/http/server.h"
#include "supervisor/http/settings.h"

namespace stream::http {

// Errors: kUsage where somebody else could ask, or could read along.
Status check_exposure(const ServiceSettings& settings);

class Service {
 public:
  // Answers until it is stopped. Errors: as check_exposure() and Server::open().
  static Result<std::unique_ptr<Service>> open(const ServiceSettings& settings);
  ~Service();

  std::string url() const;
  // Answers what has been asked, and no more. Operations go on: they are the supervisors', or a child's.
  void stop();

 private:
  struct Parts;
  explicit Service(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace stream::http
