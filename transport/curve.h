// Encrypted connections: CurveZMQ (ZeroMQ RFC 26) with one key file for all who belong together.
//
// The file holds 32 random bytes, the secret of a key pair that every process uses as its own. So who
// has the file proves it to whoever else has it, in both directions, and nobody else is let in: a
// receiver accepts only the one public key that belongs to the file (ZAP, ZeroMQ RFC 27).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <thread>

#include "transport/base/status.h"

namespace stream {

using CurveKey = std::array<std::uint8_t, 32>;

struct CurveKeys {
  CurveKey secret{};
  CurveKey shared{};  // the public half; only who has the secret can know it
};

// The keys of a secret. Errors: kUsage: no encryption in this libzmq.
Result<CurveKeys> curve_keys(const CurveKey& secret);
// Of a secret that nobody has had before. Errors: kSystem.
Result<CurveKeys> make_curve_keys();

// The secret as text that may stand in JSON, and back. Errors: kCorrupt.
std::string secret_to_text(const CurveKey& secret);
Result<CurveKey> secret_from_text(const std::string& text);

// Errors: kSystem (unreadable), kUsage: wrong size, readable by others, no encryption in this libzmq.
Result<CurveKeys> read_key_file(const std::string& path);

// Answers ZeroMQ's question whether a client may connect; one per context, for its sockets that
// encrypt. Ends when the context is shut down, which must happen before the destructor.
class CurveGuard {
 public:
  CurveGuard(void* context, const CurveKey& admitted);
  ~CurveGuard();
  CurveGuard(const CurveGuard&) = delete;
  CurveGuard& operator=(const CurveGuard&) = delete;

 private:
  std::thread thread_;
};

}  // namespace stream
