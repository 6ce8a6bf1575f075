// OneFile: rows in one file that grows at commits only.
//
// Rows of an epoch go to a hidden file beside it, .NAME.RUN-N.pending, which is synced at the
// barrier; the state table records where in the file they belong. A commit copies them there: doing
// it again writes the same bytes. A hidden .NAME.stream says how long the file was when the run
// began, so that a run can start again from nothing; the last commit of a bounded run removes it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "stages/write-file/settings.h"

namespace stream {

TableSpec lengths_spec();

class OneFile final : public Sink {
 public:
  OneFile(Context& context, FileSettings settings, Files& files);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status prepare(Epoch epoch) override;
  Status commit(Epoch epoch) override;
  Status committed(Epoch epoch) override;
  Status on_restored(Epoch epoch) override;
  Status rewind(Epoch epoch) override;
  void accept_duplicates() override { settings_.if_exists = IfExists::kAppend; }
  Status flush() override;
  Status on_end() override;

 private:
  struct Piece {
    Epoch epoch;
    std::uint64_t begin = 0;  // in the visible file
    std::uint64_t size = 0;
    std::string pending;  // name of the hidden file
    bool last = false;    // the input has ended with it
  };

  Status begin(Epoch epoch);
  Status check_kept(const std::string& path, std::string_view advice);
  Status check_format(std::string_view there, std::string_view advice) const;
  Result<std::string> begins_in(const std::vector<Piece>& pieces);
  Status go_on(const std::vector<Piece>& pieces);
  // one_file_avro.cc
  Status check_columns(const std::string& path, std::string_view advice);
  Status go_on_with(const std::string& path);
  Status begin_anew(bool exists, std::uint64_t size);
  Result<bool> begun(std::uint64_t* base);
  Status write_marker(std::uint64_t base);
  std::vector<Piece> load() const;
  void save(const Piece& piece);
  Status cut_to(std::uint64_t size);
  Status remove_leftovers(const std::vector<Piece>& kept);
  Status spill();
  Result<bool> applied(const Piece& piece);
  Status check_visible(const Piece& piece, bool applied);
  Status check_pending(const Piece& piece);
  Status check_restored(const std::vector<Piece>& pieces);
  Status apply(const Piece& piece);
  Status copy(const Piece& piece);
  std::string beside(const std::string& name) const { return folder_ + "/" + name; }
  std::string pending_name() const;

  Files& files_;
  FileSettings settings_;
  const SchemaPtr schema_;
  const bool supervised_;
  const std::string run_;
  const std::string stage_;
  const std::string folder_;
  const std::string marker_;
  std::string format_begun_;  // as the marker has it; "" if it has none
  StateTable& table_;

  void complete();

  std::unique_ptr<Encoder> encoder_;  // made when it is known whether a header is due
  ByteBuilder buffer_;
  std::uint64_t end_ = 0;      // of the visible file, once all that is prepared is committed
  std::uint64_t spilled_ = 0;  // bytes of this epoch in the pending file
  std::uint64_t number_ = 0;   // of the pending file
  bool recorded_ = false;      // the state table has a row
  bool ended_ = false;
  std::mutex mutex_;
  std::vector<Piece> pieces_;  // guarded by mutex_: prepared and not committed
};

}  // namespace stream
