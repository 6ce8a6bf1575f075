// DeadLetter: writes an instance's bad records to files once, whatever happens.
//
// Lines of epoch n wait in an outbox, so in the snapshot; after checkpoint-complete they become
// the file FOLDER/STAGE.INSTANCE.EPOCH.ndjson by rename. Doing it again writes the same file.
#pragma once

#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "transport/base/files.h"

namespace stream {

class DeadLetter {
 public:
  DeadLetter(Files& files, StateStore& store, std::string folder, std::string stage);

  Status add(const std::string& line);
  void prepare(Epoch epoch);  // lines so far belong to `epoch`

  // What a commit of everything up to `epoch` has to write; may go to another thread.
  struct Commit {
    std::string path;
    std::string text;
  };
  std::vector<Commit> commits(Epoch epoch) const;
  Status write(const std::vector<Commit>& commits) const;
  void committed(Epoch epoch) { outbox_.drop_through(epoch); }

  // Removes the files of later epochs: their records come again.
  Status rewind(Epoch epoch) const;

 private:
  Files& files_;
  Outbox& outbox_;
  std::string folder_;
  std::string stage_;
  std::vector<Batch> gathered_;  // full ones; lines_ holds what came after them
  BatchBuilder lines_;
};

}  // namespace stream
