#include "storage/credentials.h"

#include <cstdlib>

#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string region_of(const StoragePlace& place, const Environment& environment, const std::string& kept) {
  if (!place.region.empty()) return place.region;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (std::string region = environment(name); !region.empty()) return region;
  }
  return kept.empty() ? "us-east-1" : kept;
}

std::string file_of(const Environment& environment) {
  if (std::string path = environment("AWS_SHARED_CREDENTIALS_FILE"); !path.empty()) return path;
  return environment("HOME") + "/.aws/credentials";
}

void take(std::string_view name, std::string_view value, Credentials& to) {
  if (name == "aws_access_key_id") to.access_key = value;
  if (name == "aws_secret_access_key") to.secret_key = value;
  if (name == "aws_session_token") to.session_token = value;
  if (name == "region") to.region = value;
}

}  // namespace

std::optional<Credentials> credentials_of(std::string_view file, std::string_view profile) {
  std::optional<Credentials> found;
  bool inside = false;
  for (const std::string& whole : split(file, '\n')) {
    const std::string_view line = trim(whole);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = line.back() == ']' && trim(line.substr(1, line.size() - 2)) == profile;
      if (inside && !found) found.emplace();
      continue;
    }
    const std::size_t equals = line.find('=');
    if (inside && equals != std::string_view::npos)
      take(trim(line.substr(0, equals)), trim(line.substr(equals + 1)), *found);
  }
  return found;
}

Result<Credentials> find_credentials(Files& files, const StoragePlace& place, const std::string& folder,
                                     const Environment& environment) {
  Credentials found;
  if (!place.access_key.empty()) {
    STREAM_ASSIGN(found.access_key, read_secret(files, folder, place.access_key));
    STREAM_ASSIGN(found.secret_key, read_secret(files, folder, place.secret_key));
  } else if (place.profile.empty() && !environment("AWS_ACCESS_KEY_ID").empty()) {
    found.access_key = environment("AWS_ACCESS_KEY_ID");
    found.secret_key = environment("AWS_SECRET_ACCESS_KEY");
    found.session_token = environment("AWS_SESSION_TOKEN");
    if (found.secret_key.empty()) return usage_error("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not");
  } else {
    const std::string wanted = environment("AWS_PROFILE");
    const std::string profile = !place.profile.empty() ? place.profile : wanted.empty() ? "default" : wanted;
    const std::string path = file_of(environment);
    const auto text = files.read_file(path);
    const auto kept = text.ok() ? credentials_of(*text, profile) : std::nullopt;
    if (!kept || kept->access_key.empty() || kept->secret_key.empty()) {
      return usage_error("no credentials for '" + place.text() + "': AWS_ACCESS_KEY_ID is not set, and '" + path +
                         "' has none of the profile '" + profile +
                         "'; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name where they are with "
                         "?access-key=file:PATH&secret-key=file:PATH");
    }
    found = *kept;
  }
  found.region = region_of(place, environment, found.region);
  return found;
}

Result<Credentials> find_credentials(Files& files, const StoragePlace& place, const std::string& folder) {
  return find_credentials(files, place, folder, [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  });
}

}  // namespace stream
