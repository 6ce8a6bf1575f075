// BoundedFiles: an instance's splits, read one after the other to their ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stages/read-file/followed_files.h"
#include "stages/read-file/read_pace.h"

namespace stream {

class BoundedFiles {
 public:
  BoundedFiles(InputFiles& files, MakeDecoder make_decoder, Format format = Format::kNdjson);

  // The splits to read: enumerated, or as a snapshot left them.
  void start(std::vector<Position> splits) { splits_ = std::move(splits); }
  // The same of splits that were cut before; files that were moved since are those that `path` means now.
  Status resume(std::vector<Position> splits, const std::string& path);
  // Those of files that it has none of: they are read behind all others.
  void add(std::vector<Position> splits);

  // Forgets what was read to its end of files other than these, which are sorted.
  void forget_all_but(const std::vector<std::string>& paths);

  // Reads about one batch. False: everything has been read. Errors: kUsage if a file that was partly read is
  // gone or another one now.
  Result<bool> read(BatchBuilder& batch);

  // Where each split stands. Call with every batch emitted.
  const std::vector<Position>& positions();

  // Rows that were not read yet, by the sizes of the files and of what was read; nothing where that tells nothing.
  std::optional<std::uint64_t> pending();

  std::size_t current() const { return current_; }
  bool all_read() const { return current_ == splits_.size(); }
  std::size_t unread() const { return splits_.size() - std::min(current_ + 1, splits_.size()); }
  const std::string& current_path() const { return splits_[current_].path; }

 private:
  Status open_split(Position& split);
  std::int64_t size_of(const std::string& path);
  Result<std::unique_ptr<ByteReader>> open_range(const Position& split, std::shared_ptr<InputFile> file,
                                                 std::uint64_t& offset);

  InputFiles& input_;
  MakeDecoder make_decoder_;
  Format format_;
  std::vector<Position> splits_;
  std::size_t current_ = 0;
  std::unique_ptr<RecordReader> reader_;
  ReadPace pace_;
  bool packed_ = false;  // some are compressed: their sizes say little
  std::map<std::string, std::int64_t> sizes_;
};

}  // namespace stream
