// The stage programs on this machine: executables stream-NAME in a list of folders.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/stage_answer.h"
#include "supervisor/stage_info.h"
#include "transport/base/files.h"

namespace stream {

// The folder of the running executable, then those of $STREAM_STAGE_PATH. PATH is never searched.
std::vector<std::string> stage_folders();

// $STREAM_HOME/cache, else $XDG_CACHE_HOME/stream, else ~/.cache/stream; "" if none is known.
std::string cache_folder();

// `--describe` is asked once for each executable: answers are kept in `cache` (a folder, made if
// need be; "" = keep nothing) until the file's size or time of change differs. A cache that cannot
// be read or written is no error.
class FolderCatalogue final : public Catalogue {
 public:
  FolderCatalogue(std::vector<std::string> folders, std::string cache, Files& files);

  Result<const StageInfo*> find(std::string_view name) override;
  std::vector<std::string> names() override;

 private:
  std::optional<std::string> executable_of(std::string_view name) const;
  Result<std::string> describe(const std::string& executable);

  std::vector<std::string> folders_;
  std::string cache_;
  Files& files_;
  std::map<std::string, std::unique_ptr<StageInfo>, std::less<>> found_;
};

// Runs `--plan`.
class ProcessAsker final : public StageAsker {
 public:
  Result<StageAnswer> ask(const StageInfo& info, const StageQuestion& question) override;
};

}  // namespace stream
