// SpoolFile: one spooled input as a file: its segments in a row, up to what is durable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "snapshot/spool.h"
#include "stages/read-file/input_files.h"

namespace stream {

class SpoolFile final : public InputFile {
 public:
  // `files` must outlive this. Errors: kNotFound if the input is not in the folder.
  static Result<std::unique_ptr<SpoolFile>> open(InputFiles& files, const std::string& folder, std::uint64_t input);

  // Reads the length file again. One that is half written says nothing new.
  Status refresh();
  const SpoolLength& length() const { return length_; }

  // Errors: kFailed where the bytes at `offset` have been deleted.
  Result<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) override;
  Result<FileFacts> facts() override { return FileFacts{0, input_, length_.bytes}; }

 private:
  SpoolFile(InputFiles& files, std::string folder, std::uint64_t input)
      : files_(files), folder_(std::move(folder)), input_(input) {}
  Status list();
  // Where the segment that holds the byte begins.
  Result<std::uint64_t> segment_of(std::uint64_t offset);
  Status open_segment(std::uint64_t begin);

  InputFiles& files_;
  const std::string folder_;
  const std::uint64_t input_;
  SpoolLength length_;
  std::unique_ptr<InputFile> length_file_;
  std::vector<std::uint64_t> segments_;  // their beginnings, ascending, as last listed
  std::unique_ptr<InputFile> segment_;
  std::uint64_t segment_begin_ = 0;
};

}  // namespace stream
