// Leadership: the right of a supervisor to decide for its job, where several stand ready (supervisor/ha).
//
// Each call is durable for whoever leads next when it returns. One that fails because another leads makes lost() say
// so.
#pragma once

#include <string>

#include "transport/base/ids.h"
#include "transport/base/status.h"

namespace stream {

class Leadership {
 public:
  virtual ~Leadership() = default;

  // What supervisors of the job on all hosts have in common: "--ha PLACE".
  virtual std::string place() const = 0;

  // What must outlive a supervisor, as JobStore::essentials() has it.
  virtual Status keep_job(const std::string& job) = 0;
  // Epochs below this may be used.
  virtual Status reserve(Epoch below) = 0;
  // A run of the job with this id begins, of which no checkpoint counts yet.
  virtual Status begin_run(const std::string& job_id, const std::string& run) = 0;
  // The checkpoint counts: the commit point. Its index has been written.
  virtual Status publish(const std::string& run, Epoch epoch) = 0;
  // The job is over, and is run by nobody again.
  virtual Status end(const std::string& state, const std::string& reason) = 0;

  // Readable once leadership is lost.
  virtual int lost_fd() const = 0;
  virtual std::string lost() const = 0;  // why; "" = it leads
};

}  // namespace stream
