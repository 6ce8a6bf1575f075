// ServiceTalk: what a foreground `run` tells the service manager that has started it, if one has: stream-systemd(7).
#pragma once

#include <string>

#include "supervisor/systemd/notify.h"

namespace stream {

class JobRunner;

class ServiceTalk {
 public:
  ServiceTalk() : notifier_(systemd::Notifier::from_environment()) {}

  bool listening() const { return notifier_.listening(); }
  void running() { notifier_.ready(); }
  void turn(const JobRunner& job);       // from the run loop: it is alive
  void wait(const std::string& status);  // likewise, while another supervisor leads

 private:
  systemd::Notifier notifier_;
};

}  // namespace stream
