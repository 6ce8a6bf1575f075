// ReadFile: the source behind stream-read-file: bounded, followed, or standard input, spooled in a job.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "stages/kit/stage.h"
#include "stages/read-file/bounded_files.h"
#include "stages/read-file/folder_watch.h"
#include "stages/read-file/followed_files.h"
#include "stages/read-file/position_table.h"
#include "stages/read-file/spooled_input.h"

namespace stream {

PlanAnswer plan_read_file(const PlanRequest& request);
Result<std::unique_ptr<Source>> make_read_file(Context& context);

class ReadFile final : public Source {
 public:
  struct Setup {
    FormatOptions format;
    SchemaPtr declared;
    SchemaPtr wanted;
    std::string path;  // absolute, or "-"
    bool follow = false;
    std::uint64_t split_size = 0;
  };
  ReadFile(Context& context, Setup setup);

  Result<Poll> poll(Emitter& out) override;
  SplitView split() const override;
  bool split_open(std::uint64_t split) const override;
  int wake_fd() const override;
  Microseconds idle_wait() const override;
  Status on_restored() override;
  Status before_snapshot() override;
  SpoolPosition spool_position() const override;
  std::optional<std::uint64_t> pending_records() override;

 private:
  Result<Poll> poll_input();
  Result<Poll> poll_bounded();
  Result<Poll> poll_followed();
  Result<Poll> poll_stdin();
  Result<Poll> poll_spooled();
  Status start();
  Result<std::vector<Position>> own_splits();
  void keep_own(std::vector<Position>& splits) const;
  Status look_for_objects();
  bool follows_objects() const;
  Status start_stdin();
  Status start_spooled(const MakeDecoder& maker);
  Result<std::unique_ptr<Decoder>> make_decoder_at(const std::string& path, InputFile* file, std::uint64_t offset);
  Status report_bad(const std::string& path, BadInput bad);
  Status report_lost(const Position& position);

  Context& context_;
  Setup setup_;
  InputFiles& input_;
  PositionTable table_;
  BatchBuilder batch_;
  Emitter* out_ = nullptr;  // of the running poll()
  std::optional<std::vector<Position>> restored_;
  bool started_ = false;

  std::unique_ptr<BoundedFiles> bounded_;
  std::unique_ptr<FollowedFiles> followed_;
  std::unique_ptr<FolderWatch> watch_;
  std::unique_ptr<SpooledInput> spooled_;
  std::unique_ptr<RecordReader> stdin_;
  std::size_t sampled_left_ = 0;  // bytes of standard input that planning has read
  Microseconds looked_at_ = 0;
  std::set<std::string> looked_into_;  // objects whose splits are known, of which others may read all
};

}  // namespace stream
