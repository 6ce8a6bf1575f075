// Sends bytes to a client that may be slow, and waits for it: for a thread that does nothing else.
#pragma once

#include <memory>
#include <string_view>

#include "supervisor/http/open_end.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::http {

class ByteSender {
 public:
  // `pieces`: as chunks of HTTP/1.1. `stop`: readable when it is to break off. `patience`: without a byte taken.
  ByteSender(std::unique_ptr<OpenEnd> end, bool pieces, int stop, Microseconds patience)
      : end_(std::move(end)), pieces_(pieces), stop_(stop), patience_(patience) {}

  // Returns when all of it is taken. Errors: kInterrupted where that is in vain.
  Status send(std::string_view bytes);
  // Says that nothing is missing.
  Status finish();

 private:
  Status put(std::string_view bytes);
  bool wait(Microseconds until) const;

  const std::unique_ptr<OpenEnd> end_;
  const bool pieces_;
  const int stop_;
  const Microseconds patience_;
};

}  // namespace stream::http
