// FollowedFiles: the files of a path as they grow, rotate, shrink and go away.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stages/read-file/follow.h"
#include "stages/read-file/input_files.h"
#include "stages/read-file/packed_files.h"
#include "stages/read-file/position.h"
#include "stages/read-file/read_pace.h"
#include "stages/read-file/record_reader.h"
#include "transport/base/clock.h"

namespace stream {

// How long a writer may go on writing to a file that was renamed or deleted.
inline constexpr Microseconds kLetGoAfter = 10'000'000;

// Makes the decoder of a file, standing at `offset`.
using MakeDecoder =
    std::function<Result<std::unique_ptr<Decoder>>(const std::string& path, InputFile& file, std::uint64_t offset)>;

class FollowedFiles {
 public:
  // References live as long as this object. `lost` is told of positions whose file is gone.
  FollowedFiles(InputFiles& files, const Clock& clock, std::string path, MakeDecoder make_decoder,
                std::function<Status(const Position&)> lost);

  // Takes up where a snapshot stood: finds each file under its name, or by its head among the files of
  // its folder.
  Status restore(const std::vector<Position>& positions);

  // Looks for new, renamed and removed files. Call when the folder may have changed.
  Status look();

  // Reads from the next file that has something, about one batch. False: no file has anything now.
  Result<bool> read(BatchBuilder& batch);

  // The files' positions, and those of files that were read to their ends, by which they are known again, heads taken
  // anew where they were short. Call with every batch emitted.
  Result<std::vector<Position>> positions();

  std::uint64_t current() const { return current_; }  // split_hash() of the file read last
  // Files that have records of which none was read yet.
  std::uint32_t unread() const;
  // Rows that were not read yet, by the sizes of the files and of what was read; nothing where that tells nothing.
  std::optional<std::uint64_t> pending();
  bool open(std::uint64_t split) const;
  const std::string& current_path() const { return current_path_; }
  std::size_t size() const { return files_.size(); }

 private:
  struct File {
    Position position;
    std::shared_ptr<InputFile> file;
    std::unique_ptr<RecordReader> reader;
    Microseconds read_at = 0;  // when it last gave bytes
    std::uint64_t seen = 0;    // its size then
    bool begun = false;        // something was read from it
    bool gone = false;         // its name is gone, or
    bool moved = false;        // another file's
    bool packed = false;       // compressed, and whole
  };

  Status add(const std::string& path, std::shared_ptr<InputFile> file, Position position);
  Status add_new(const std::string& path);
  Result<bool> restore_from_any(const std::vector<std::string>& paths, const Position& position);
  Status restore_one(const Position& position);
  Result<bool> restore_from(const std::string& path, const Position& position);
  Status open_reader(File& file);
  Status start_over(File& file);
  static Status refresh_head(File& file);
  Result<bool> read_at(std::size_t index, BatchBuilder& batch);
  Result<bool> read_file(File& file, BatchBuilder& batch, bool& finished);
  Result<FollowView> view_of(File& file);
  std::int64_t next_generation(const std::string& path);
  // followed_packed.cc: compressed files.
  Status see_packed(const std::string& path, const FileFacts& facts);
  Result<bool> read_before(const std::string& path, InputFile& file, const FileFacts& facts);
  Result<bool> holds_what_was_read(const PackedContent& content);
  Result<bool> add_packed(PackedFiles::Ready ready);
  Result<bool> look_into_packed();
  Result<bool> restore_packed(const std::string& path, std::shared_ptr<InputFile> file, const Position& position);
  Status open_packed(File& file);
  Status finish(File& file);
  void forget(const std::vector<std::string>& paths);

  InputFiles& input_;
  const Clock& clock_;
  std::string path_;
  MakeDecoder make_decoder_;
  std::function<Status(const Position&)> lost_;
  std::vector<std::unique_ptr<File>> files_;
  PackedFiles packed_;
  std::vector<Position> finished_;  // read to their ends, the oldest first
  std::map<std::string, std::int64_t> generations_;
  ReadPace pace_;
  std::size_t turn_ = 0;
  std::uint64_t current_ = 0;
  std::string current_path_;
};

}  // namespace stream
