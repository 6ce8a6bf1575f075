#include "stages/kit/tls_options.h"

#include <filesystem>

#include "transport/base/files.h"

namespace stream {
namespace {

Result<std::string> readable(const Values& options, const std::string& folder, std::string_view option) {
  if (!options.has(option)) return std::string();
  std::string path = (std::filesystem::path(folder) / options.text(option)).string();
  const auto bytes = system_files().read_file(path);
  if (!bytes.ok()) return usage_error("option '" + std::string(option) + "': " + bytes.status().what());
  return path;
}

}  // namespace

std::vector<PlanError> check_tls_options(const Values& options, bool tls, const std::string& advice) {
  std::vector<PlanError> errors;
  for (const std::string_view option : {"tls-ca", "tls-cert", "tls-key"}) {
    if (tls || !options.has(option)) continue;
    errors.push_back({std::string(option), 0, "has a meaning with TLS only", advice});
  }
  if (tls && options.has("tls-cert") != options.has("tls-key")) {
    errors.push_back({options.has("tls-cert") ? "tls-cert" : "tls-key", 0, "a certificate has a key",
                      "give both 'tls-cert' and 'tls-key'"});
  }
  return errors;
}

Result<TlsFiles> tls_files(const Values& options, const std::string& folder) {
  TlsFiles out;
  STREAM_ASSIGN(out.authority, readable(options, folder, "tls-ca"));
  STREAM_ASSIGN(out.certificate, readable(options, folder, "tls-cert"));
  STREAM_ASSIGN(out.key, readable(options, folder, "tls-key"));
  return out;
}

Status not_trusted(const std::string& why) {
  return usage_error("the server's certificate is not trusted: " + why + "; check 'tls-ca' and the name of the host");
}

}  // namespace stream
