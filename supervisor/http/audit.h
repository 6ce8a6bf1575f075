// Who has changed what, when, and how it ended: a JSON line a request in $STREAM_HOME/.serve/audit.log, the refused
// ones too, and another one when what it began is over. Rotated at 16 MiB; five files stay.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "supervisor/http/message.h"
#include "transport/base/clock.h"

namespace stream::http {

inline constexpr std::uint64_t kAuditBytes = 16U << 20;
inline constexpr int kAuditFiles = 5;

// How a request was answered.
struct AuditedAnswer {
  int status = 200;
  std::string command = {};    // that was run, "" = none
  std::string operation = {};  // that was begun, by its id; "" = it is over
  std::string why = {};        // it was refused, or has failed
};

// What came of something that a request has begun.
struct AuditedEnd {
  std::string operation = {};
  std::string who = {};
  std::string remote = {};
  std::string what = {};     // its kind: "savepoint"; "command"
  std::string job = {};      // name, "" = none
  std::string command = {};  // "" = it was none
  std::string why = {};      // it has failed; "" = it has not
  Microseconds took_us = 0;
};

class Audit {
 public:
  static Result<std::unique_ptr<Audit>> open(const std::string& folder, std::uint64_t most = kAuditBytes);
  ~Audit();

  // Errors: kSystem.
  Status write(const Request& request, const AuditedAnswer& answer, Microseconds at_us);
  Status write(const AuditedEnd& end, Microseconds at_us);

 private:
  explicit Audit(std::string path, std::uint64_t most) : path_(std::move(path)), most_(most) {}
  Status append(const std::string& line);
  Status reopen();
  Status rotate();

  const std::string path_;
  const std::uint64_t most_;
  std::mutex mutex_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace stream::http
