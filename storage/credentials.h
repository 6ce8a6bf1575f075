// Who we are to S3, found as other programs find it: the URL's references, the environment, ~/.aws/credentials.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "storage/place.h"
#include "transport/base/files.h"

namespace stream {

// Never in a message, a log or a snapshot.
struct Credentials {
  std::string access_key;  // "" = nobody: requests are not signed
  std::string secret_key;
  std::string session_token;
  std::string region;
};

using Environment = std::function<std::string(const char* name)>;  // "" = not set

// The values of a section of an INI file, as ~/.aws/credentials is one; none: there is no such section.
std::optional<Credentials> credentials_of(std::string_view file, std::string_view profile);

// Errors: kUsage if none are found, saying where they were looked for; never what they are.
Result<Credentials> find_credentials(Files& files, const StoragePlace& place, const std::string& folder);
Result<Credentials> find_credentials(Files& files, const StoragePlace& place, const std::string& folder,
                                     const Environment& environment);

}  // namespace stream
