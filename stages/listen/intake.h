// Intake: takes in what senders send, on the loop's thread, without ever waiting.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "stages/kit/inbox.h"
#include "stages/listen/address.h"

namespace stream::listen {

struct IntakeOptions {
  Address address;
  std::size_t record_max = 0;  // bytes
  std::string token;           // of HTTP; "" lets everybody in
};

class Intake {
 public:
  virtual ~Intake() = default;

  // Readable when take() has something to do.
  virtual int fd() const = 0;
  // Puts what has come into the inbox, until there is nothing more or the inbox is full.
  virtual Status take(Inbox& inbox, Microseconds now) = 0;
  // Records up to this number are durable: whoever waits to hear that is told.
  virtual void tell(std::uint64_t /*durable*/) {}
};

// Errors: kSystem, if the address cannot be listened at.
Result<std::unique_ptr<Intake>> open_sockets(const IntakeOptions& options);  // tcp, udp
Result<std::unique_ptr<Intake>> open_http(const IntakeOptions& options);

// A record of the inbox: when it came, from where, and what it is. The views are of `record`.
struct Letter {
  Microseconds received = 0;
  std::string_view peer;
  bool too_long = false;
  std::string_view payload;
};
std::string sealed(const Letter& letter);
Result<Letter> opened(std::string_view record);  // kCorrupt

}  // namespace stream::listen
