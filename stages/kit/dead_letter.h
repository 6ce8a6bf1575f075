// DeadLetter: writes an instance's bad records to files once, whatever happens.
//
// Lines of epoch n wait in an outbox, so in the snapshot; after checkpoint-complete they become
// the file FOLDER/STAGE.INSTANCE.EPOCH.RUN.ndjson by rename. Doing it again writes the same file.
// Memory holds some of them only: what is more goes to a file as it comes, STAGE.INSTANCE.growing,
// which the barrier syncs and gives the name it will have, but for its ending, .pending; the
// outbox then says that it is there.
#pragma once

#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "transport/base/files.h"

namespace stream {

class DeadLetter {
 public:
  struct Identity {
    std::string folder;  // made when it is needed
    std::string stage;
    std::uint32_t instance = 0;
    std::string run;            // its first digits stand in names: epochs of one run are not those of another
    std::uint32_t attempt = 0;  // not 0: one that stood still may wake and write on
  };
  DeadLetter(Files& files, StateStore& store, Identity identity);

  // Errors: kSystem, when a disk has taken nothing for so long that memory is at stake.
  Status add(const std::string& line);
  // Lines so far belong to `epoch`. Errors: kSystem; they then belong to the next one, and this checkpoint
  // must not be completed.
  Status prepare(Epoch epoch);

  // What a commit of everything up to `epoch` has to write; may go to another thread.
  struct Commit {
    std::string path;
    std::string text;
    std::string pending;  // the file that becomes it instead; "" = none
  };
  std::vector<Commit> commits(Epoch epoch) const;
  Status write(const std::vector<Commit>& commits) const;
  void committed(Epoch epoch) { outbox_.drop_through(epoch); }

  // Removes the files of later epochs of this run: their records come again.
  Status rewind(Epoch epoch) const;
  // The outbox holds checkpoint `epoch` of this run (Epoch(0): nothing): removes what dead processes have
  // left that it does not know.
  Status on_restored(Epoch epoch) const;

 private:
  std::string name(std::uint32_t origin, Epoch epoch) const;
  std::string at(const std::string& name) const { return identity_.folder + "/" + name; }
  std::size_t gathered_bytes() const { return gathered_bytes_ + lines_.size_bytes(); }
  std::string growing_path() const;
  Status spill();
  Status prepare_file(Epoch epoch);

  Files& files_;
  Outbox& outbox_;
  const Identity identity_;
  std::vector<Batch> gathered_;  // full ones; lines_ holds what came after them
  std::size_t gathered_bytes_ = 0;
  std::size_t spill_at_;
  BatchBuilder lines_;
  std::string growing_;        // path of the file of this epoch
  std::uint64_t spilled_ = 0;  // bytes in it
};

}  // namespace stream
