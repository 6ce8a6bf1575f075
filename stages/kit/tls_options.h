// The options of a connector that speaks TLS: whom to trust, and how to prove who we are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stages/kit/option_list.h"
#include "stages/kit/plan.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr auto kTlsOptions = own_options(
    {{.name = "tls-ca",
      .arg = "PATH",
      .doc = "File of certificates (PEM) of whom to trust, with TLS; not set: the system's.",
      .kind = OptionKind::kPath},
     {.name = "tls-cert",
      .arg = "PATH",
      .doc = "File with a certificate (PEM) to show to a server that asks for one.",
      .kind = OptionKind::kPath},
     {.name = "tls-key", .arg = "PATH", .doc = "File with the key (PEM) of 'tls-cert'.", .kind = OptionKind::kPath}});

// What is wrong with them. `tls`: the connection has TLS; if not, `advice` says how to have it.
std::vector<PlanError> check_tls_options(const Values& options, bool tls, const std::string& advice);

// Absolute paths; "": not given.
struct TlsFiles {
  std::string authority;
  std::string certificate;
  std::string key;
};
// Errors: kUsage, naming option and file, if one cannot be read.
Result<TlsFiles> tls_files(const Values& options, const std::string& folder);

// A server that was not believed, in one sentence. `why`: the words of a library.
Status not_trusted(const std::string& why);

}  // namespace stream
