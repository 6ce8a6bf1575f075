// Secrets: what an option of kind kSecret names, read where and when it is used.
#pragma once

#include <string>
#include <string_view>

#include "transport/base/files.h"

namespace stream {

// The text behind "env:NAME", "file:PATH" (relative to `folder`) or "credential:NAME" (systemd's
// $CREDENTIALS_DIRECTORY). One line end behind it is dropped. Keep it out of argv, messages and snapshots.
// Errors: kUsage, naming the reference and never the text: the variable is not set, the file cannot be
// read or is empty, no credentials were passed.
Result<std::string> read_secret(Files& files, const std::string& folder, std::string_view reference);

// Whether it is such a reference. Errors: kUsage, without the text.
Status check_secret_reference(std::string_view text);

}  // namespace stream
