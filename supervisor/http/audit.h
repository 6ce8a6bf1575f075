// Who has changed what, and when: a JSON line a request in $STREAM_HOME/.serve/audit.log, the refused ones too.
// Rotated at 16 MiB; five files stay.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "supervisor/http/message.h"
#include "transport/base/clock.h"

namespace stream::http {

inline constexpr std::uint64_t kAuditBytes = 16U << 20;
inline constexpr int kAuditFiles = 5;

class Audit {
 public:
  static Result<std::unique_ptr<Audit>> open(const std::string& folder, std::uint64_t most = kAuditBytes);
  ~Audit();

  // Errors: kSystem.
  Status write(const Request& request, int status, const std::string& did, Microseconds at_us);

 private:
  explicit Audit(std::string path, std::uint64_t most) : path_(std::move(path)), most_(most) {}
  Status reopen();
  Status rotate();

  const std::string path_;
  const std::uint64_t most_;
  std::mutex mutex_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace stream::http
