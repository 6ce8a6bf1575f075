// Answers without an end, as handlers begin them.
#pragma once

#include "supervisor/http/frames.h"
#include "supervisor/http/message.h"
#include "supervisor/http/stream_wish.h"

namespace stream::http {

// Rows of a stage.
struct TapWish {
  std::string stage;
  std::string output = {};
  std::string where = {};                  // SQL
  std::optional<std::int64_t> limit = {};  // rows
};

// A savepoint as a file.
struct SavepointWish {
  std::string path;
  std::string name;    // of the archive: "live-17.tar.zst"
  bool chunks = true;  // the client takes its answer in chunks, and so sees when it is cut off
};

class Streams {
 public:
  virtual ~Streams() = default;

  // Events of jobs. Errors: kInterrupted where too many listen, kNotFound for a job that is not there.
  virtual Result<TakeOver> listen(StreamWish wish) = 0;
  // Errors: as TapReader::open().
  virtual Result<TakeOver> tap(const std::string& job, const TapWish& wish) = 0;
  // Errors: as Downloads::begin().
  virtual Result<TakeOver> download(const SavepointWish& wish) = 0;
};

}  // namespace stream::http
