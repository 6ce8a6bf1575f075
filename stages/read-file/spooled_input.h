// SpooledInput: standard input as its supervisor spools it, read record by record, again where need be.
//
// Each input of the spool is a stream of its own: it begins with its own header, and where it was cut the
// record that lacks its rest is a bad one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "stages/read-file/followed_files.h"
#include "stages/read-file/spool_file.h"

namespace stream {

inline constexpr std::string_view kSpooledPath = "stdin";  // what positions and bad records call it

class SpooledInput {
 public:
  // Told of what cannot be read: the position, the reason, and what is left of the record.
  using OnLost = std::function<Status(const SpoolPosition&, std::string reason, std::string record)>;

  // `files` must outlive this.
  SpooledInput(InputFiles& files, std::string folder, MakeDecoder make_decoder, OnLost on_lost);

  // Begins where a snapshot stood: at the row of its positions that is position()'s; without one, with the
  // first input there is.
  Status start(const std::vector<Position>& restored);

  enum class State : std::uint8_t {
    kMore,  // call again
    kDry,   // everything there is has been read; more may come
    kEnd,   // nothing ever again
  };
  // Adds about one batch of rows.
  Result<State> read(BatchBuilder& batch);

  // Behind the last record in a batch; call with every batch emitted. The path is kSpooledPath, the beginning
  // the number of the input, or 0 if there was never any; done: nothing is left of it.
  Position position() const;

 private:
  Result<std::optional<std::uint64_t>> next_input(std::uint64_t at_least);
  Status open(const SpoolPosition& position, std::uint64_t records = 0);
  Status finish();
  Status report_cut();

  InputFiles& input_;
  const std::string folder_;
  MakeDecoder make_decoder_;
  OnLost on_lost_;
  SpoolPosition at_;   // of the open input, or where the last one ended
  bool done_ = false;  // nothing is left of it
  std::shared_ptr<SpoolFile> file_;
  std::unique_ptr<RecordReader> reader_;
};

}  // namespace stream
