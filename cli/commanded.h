// A command that a server runs for somebody else: `stream --commanded`, see supervisor/http/commands.h. What it may do
// is decided here, where it is read: by its role, and by what the server was allowed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/http/settings.h"
#include "supervisor/http/tokens.h"
#include "transport/base/files.h"

namespace stream {

struct Commanded {
  http::Role role = http::Role::kRead;
  http::Permissions permissions = {};
  std::map<std::string, std::string> files = {};  // that were sent along, by the names they have there

  const std::string* file(const std::string& name) const;
  std::string folder() const;  // where relative paths start
};

// Null: somebody has typed it here.
const Commanded* commanded();

// Reads standard input, where the command is, and says to the server what it thinks of it. None: it is refused.
std::optional<std::vector<std::string>> take_command();

// Whether that may be read or written: a path in a folder of the server. Errors: kUsage.
Status check_commanded_path(const std::string& path);

// For manifests: files that were sent along, as if they were in folder(); nothing else can be read.
class SentFiles final : public Files {
 public:
  explicit SentFiles(const Commanded& from) : from_(from) {}
  Result<std::string> read_file(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override { return none(path); }
  Status write_file(const std::string& path, std::string_view) override { return none(path); }
  Status sync_file(const std::string& path) override { return none(path); }
  Status sync_dir(const std::string& path) override { return none(path); }
  Status rename(const std::string& from, const std::string&) override { return none(from); }
  Status remove(const std::string& path) override { return none(path); }
  Status make_dir(const std::string& path) override { return none(path); }
  Status truncate(const std::string& path, std::uint64_t) override { return none(path); }

 private:
  static Status none(const std::string& path);
  const Commanded& from_;
};

}  // namespace stream
