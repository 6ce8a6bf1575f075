#include "transport/base/secret.h"

#include <cstdlib>
#include <filesystem>

#include "transport/base/text.h"

namespace stream {
namespace {

Result<std::string> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return usage_error("the environment variable '" + name + "' is not set");
  return std::string(value);
}

Result<std::string> from_file(Files& files, const std::string& path) {
  Result<std::string> bytes = files.read_file(path);
  if (!bytes.ok()) return usage_error("unable to read the secret: " + bytes.status().what());
  std::string text = *std::move(bytes);
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Result<std::string> from_credentials(Files& files, const std::string& name) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr) {
    return usage_error("no credential '" + name + "': systemd passed none (set LoadCredential= in the unit)");
  }
  return from_file(files, std::string(folder) + "/" + name);
}

Result<std::string> read_reference(Files& files, const std::string& folder, std::string_view reference) {
  const std::size_t colon = reference.find(':');
  const std::string_view form = reference.substr(0, colon);
  const std::string name(reference.substr(colon + 1));
  if (form == "env") return from_environment(name);
  if (form == "credential") return from_credentials(files, name);
  return from_file(files, (std::filesystem::path(folder) / name).string());
}

}  // namespace

Result<std::string> read_secret(Files& files, const std::string& folder, std::string_view reference) {
  Result<std::string> text = read_reference(files, folder, reference);
  if (text.ok() && text->empty()) return usage_error("the secret " + std::string(reference) + " is empty");
  return text;
}

Status check_secret_reference(std::string_view text) {
  for (const std::string_view form : {"env:", "file:", "credential:"}) {
    if (text.starts_with(form) && text.size() > form.size()) return {};
  }
  return usage_error("a secret is never written out; give env:NAME, file:PATH or credential:NAME");
}

}  // namespace stream
