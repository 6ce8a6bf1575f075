// FileCoordination: a folder that all supervisors reach, on a local disk or NFS.
//
//   FOLDER/JOB/term.N  job.N    the registers: version N is made by link(2), which only one of several gets
//   FOLDER/JOB/beat.T           of the leader of term T: a number that grows, or "gone"
//
// A version is deleted when 64 newer ones are there. A link proves its maker the first only while its version cannot
// have come and gone, so the maker looks at the newest once more behind the link: fewer than 64 away, and none of that
// number was ever deleted. Farther away, he stood still too long to know, and says so.
#pragma once

#include <mutex>
#include <string>

#include "supervisor/ha/coordination.h"
#include "transport/base/files.h"

namespace stream::ha {

class FileCoordination : public Coordination {
 public:
  // Errors: kSystem; kFailed if `folder` is not there: made here it would hide that it is not mounted.
  static Result<std::unique_ptr<FileCoordination>> open(Files& files, const std::string& folder, const std::string& job,
                                                        const std::string& id);

  Result<Entry> read(Register which) override;
  Result<std::optional<std::uint64_t>> write(Register which, std::uint64_t expected, const std::string& text) override;
  Status beat(std::uint64_t term) override;
  Result<Pulse> pulse(std::uint64_t term, const std::string& leader) override;
  Status leave(std::uint64_t term) override;

 private:
  FileCoordination(Files& files, std::string folder, std::string id)
      : files_(files), folder_(std::move(folder)), id_(std::move(id)) {}
  Result<Entry> read_now(Register which);
  Result<std::optional<std::uint64_t>> write_now(Register which, std::uint64_t expected, const std::string& text);
  Status beat_now(std::uint64_t term);
  Result<std::uint64_t> newest(Register which);
  Status check_awake(Register which, std::uint64_t version);
  Status tidy(Register which, std::uint64_t version);
  Status put_beat(std::uint64_t term, const std::string& text);
  std::string slot(Register which, std::uint64_t version) const;

  Files& files_;
  std::string folder_;
  std::string id_;  // of this process, in names of files on their way
  std::mutex mutex_;
  std::uint64_t beats_ = 0;
  std::uint64_t files_made_ = 0;  // no name on its way comes twice
};

}  // namespace stream::ha
