// The stage programs on this machine: executables stream-NAME in a list of folders.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/answer_cache.h"
#include "supervisor/stage_answer.h"
#include "supervisor/stage_info.h"
#include "transport/base/files.h"

namespace stream {

// The folder of the running executable, then those of $STREAM_STAGE_PATH. PATH is never searched.
std::vector<std::string> stage_folders();

// Which package has a program that is not installed; "": nobody knows. Packages bring the list along, see
// packaging/build.sh: share/stream/packages beside the folder of the running executable, a program and its package a
// line.
std::string package_of(std::string_view program);

// $XDG_CACHE_HOME/stream, else ~/.cache/stream; "" if none is known. Not below $STREAM_HOME, where every
// folder is a job.
std::string cache_folder();

// `--describe` is asked once for each executable, until the file changes; see AnswerCache.
class FolderCatalogue final : public Catalogue {
 public:
  FolderCatalogue(std::vector<std::string> folders, std::string cache, Files& files);

  Result<const StageInfo*> find(std::string_view name) override;
  std::vector<std::string> names() override;

 private:
  std::optional<std::string> executable_of(std::string_view name) const;
  Result<std::string> describe(const std::string& executable);

  std::vector<std::string> folders_;
  AnswerCache cache_;
  Files& files_;
  std::map<std::string, std::unique_ptr<StageInfo>, std::less<>> found_;
};

// Runs `--plan`. An answer that says it is cacheable, and holds no error, is kept for the same question to
// the same executable: all but that of a source which has to sample its data.
class ProcessAsker final : public StageAsker {
 public:
  ProcessAsker(std::string cache, Files& files) : cache_(std::move(cache), files) {}
  Result<StageAnswer> ask(const StageInfo& info, const StageQuestion& question) override;

 private:
  AnswerCache cache_;
};

}  // namespace stream
