// PackedFiles: the compressed files among those that are followed, until it is known whether they are whole.
//
// Such a file is read when nothing has been added to it for a moment and what it holds ends where its format says it
// ends; before that somebody is still writing it. To find out, it is decompressed once, a piece at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "stages/format/byte_reader.h"
#include "stages/read-file/input_files.h"
#include "transport/base/clock.h"

namespace stream {

// What a compressed file holds: by that it is known again, whatever its name.
struct PackedContent {
  std::uint64_t length = 0;
  std::string head;  // at most kHeadSize bytes
};

class PackedScan {
 public:
  PackedScan(std::shared_ptr<InputFile> file, Compression compression);

  enum class State : std::uint8_t {
    kMore,      // call again
    kComplete,  // content() is all of it
    kCut,       // it ends too early: more is to come
    kBroken,    // it is no such file, as reason() says
  };
  // Decompresses about `size` bytes. Errors: kSystem.
  Result<State> step(std::size_t size);

  const PackedContent& content() const { return content_; }
  const std::string& reason() const { return reason_; }

 private:
  std::unique_ptr<ByteReader> bytes_;
  bool at_end_ = false;  // of the compressed bytes
  PackedContent content_;
  std::string reason_;
};

class PackedFiles {
 public:
  explicit PackedFiles(InputFiles& files) : input_(files) {}

  // Whether nothing has to be found out about the file as it is.
  bool judged(const std::string& path, const FileFacts& facts) const;
  // Nothing more has to be.
  void judge(const std::string& path, const FileFacts& facts);
  // The file is there, as long as this.
  void see(const std::string& path, const FileFacts& facts, Microseconds now);

  struct Ready {
    std::string path;
    std::shared_ptr<InputFile> file;
    PackedContent content;
  };
  // Goes on with finding out. `progress`: call again soon. A file that is whole is given once.
  Result<std::optional<Ready>> step(Microseconds now, bool& progress);

 private:
  struct Waiting {
    FileFacts facts;
    Microseconds since = 0;  // of that size
    std::shared_ptr<InputFile> file;
    std::unique_ptr<PackedScan> scan;
  };

  Result<std::optional<Ready>> scan(const std::string& path, Waiting& waiting, bool& over);

  InputFiles& input_;
  std::map<std::string, FileFacts> judged_;
  std::map<std::string, Waiting> waiting_;
};

}  // namespace stream
