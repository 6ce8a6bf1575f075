// NatsConnection: a connection to NATS servers and what is asked of JetStream through it.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "stages/kit/option.h"
#include "stages/kit/plan.h"
#include "stages/kit/tls_options.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr Option kNatsServersOption{.name = "servers",
                                           .arg = "LIST",
                                           .doc = "Addresses of the servers, nats://HOST:PORT or tls://HOST:PORT.",
                                           .fallback = "nats://127.0.0.1:4222",
                                           .repeated = true};
inline constexpr Option kNatsUserOption{.name = "user", .arg = "NAME", .doc = "User name."};
inline constexpr Option kNatsPasswordOption{
    .name = "password", .arg = "SECRET", .doc = "Password of the user.", .kind = OptionKind::kSecret};
inline constexpr Option kNatsTokenOption{
    .name = "token", .arg = "SECRET", .doc = "Token, instead of a user.", .kind = OptionKind::kSecret};
inline constexpr Option kNatsCredentialsOption{
    .name = "credentials", .arg = "PATH", .doc = "File with a user's JWT and key (.creds).", .kind = OptionKind::kPath};
inline constexpr Option kNatsPatienceOption{
    .name = "patience",
    .arg = "DURATION",
    .doc = "How long the servers may be away before the stage fails, and is restarted.",
    .kind = OptionKind::kDuration,
    .fallback = "30s"};

// What is wrong with 'servers', as a user or password in an address, and with the options about TLS.
std::vector<PlanError> check_nats_servers(const Values& options);

struct NatsStreamInfo {
  std::string name;
  std::uint64_t first = 0;  // sequence numbers; an empty stream has first = last + 1
  std::uint64_t last = 0;
  std::int64_t created = 0;         // ns since 1970: which stream of this name it is
  Microseconds duplicates = 0;      // the duplicate window
  bool limited_by_subject = false;  // only the newest messages of a subject stay
  bool keeps_what_is_read = true;   // retention by limits; else messages go when they are acknowledged
};

class NatsConnection {
 public:
  // Connects, within 2 s a server; once connected it reconnects by itself, for as long as it lives. Errors:
  // kUsage for wrong options and refused credentials, else kFailed.
  static Result<std::unique_ptr<NatsConnection>> open(const Values& options, const std::string& folder);
  ~NatsConnection();
  NatsConnection(const NatsConnection&) = delete;
  NatsConnection& operator=(const NatsConnection&) = delete;

  natsConnection* raw() const { return connection_; }
  jsCtx* js() const { return js_; }
  // False while it has been lost and is not made again.
  bool connected() const;
  // How often the connection has been lost and made again.
  std::uint64_t reconnects() const;

  // Errors: kNotFound if there is none.
  Result<NatsStreamInfo> stream(const std::string& name) const;
  // The stream that keeps the messages of a subject. Errors: kNotFound if none does.
  Result<std::string> stream_of(const std::string& subject) const;

 private:
  NatsConnection() = default;

  natsConnection* connection_ = nullptr;
  jsCtx* js_ = nullptr;
};

// "unable to DOING: the client's words"; with `code`, those of JetStream.
Status nats_error(const std::string& doing, natsStatus status, jsErrCode code = static_cast<jsErrCode>(0));

// Whether trying again cannot help: the server has answered, and said no.
bool nats_refused(natsStatus status, jsErrCode code);

}  // namespace stream
