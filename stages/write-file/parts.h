// Parts: rows in many files of a folder, each published by renaming it once it is complete.
//
// A part grows under a hidden name over many epochs. At a barrier it is synced and its length
// recorded in the state table; a restore cuts it to that length and closes it. A part that is full,
// old enough, or the last of its input is rolled: the next commit renames it to a name that holds
// the commit's epoch. To fall back behind that epoch the name is turned back, and parts that were
// begun later are removed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "stages/write-file/part_name.h"
#include "stages/write-file/settings.h"
#include "stages/write-file/success.h"

namespace stream {

TableSpec parts_spec();

class Parts final : public Sink {
 public:
  Parts(Context& context, FileSettings settings, Files& files);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark) override;
  Status prepare(Epoch epoch) override;
  Status commit(Epoch epoch) override;
  Status committed(Epoch epoch) override;
  Status on_restored(Epoch epoch) override;
  Status rewind(Epoch epoch) override;
  void accept_duplicates() override { settings_.if_exists = IfExists::kAppend; }
  Status flush() override;
  Status on_end() override;

 private:
  struct Part {
    PartName name;
    std::unique_ptr<Encoder> encoder;  // null: closed
    ByteBuilder buffer;
    std::uint64_t size = 0;      // bytes in the file
    std::uint64_t recorded = 0;  // of them synced and in the state table
    Microseconds opened = 0;
  };
  struct Publication {
    PartName name;
    Epoch epoch;
    bool maybe_done = false;  // restored: it may have happened before
  };

  Status scan(const std::string& folder, std::size_t depth, std::vector<FoundPart>& found);
  Status check_existing(const std::vector<FoundPart>& found);
  Result<PartName> copy_aside(const PartName& name, std::uint64_t length, Row row);
  Status adopt(const std::vector<FoundPart>& found, bool own, Row row);
  Status unpublish(const std::vector<FoundPart>& found, const PartName& name);
  Status check_rolled(const PartName& name, Epoch rolled, Row row);
  bool elsewhere(const std::vector<FoundPart>& found, const PartName& name) const;
  Status unmark(Epoch epoch, const std::vector<FoundPart>& found);
  Status remove_leftovers(const std::vector<FoundPart>& found);
  bool mine(const PartName& name) const;

  Result<Part*> part_of(const std::string& folder);
  PartName next_name(const std::string& folder);
  void close_due();
  void close_all();
  void close_complete(Epoch epoch);
  static void complete(Part& part);
  Status write(Part& part);
  Status record(Part& part, Epoch rolled);
  Status publish_now();
  std::string at(const std::string& relative) const { return settings_.path + "/" + relative; }
  Status sync_folders(const std::set<std::string>& folders);

  Files& files_;
  FileSettings settings_;
  const SchemaPtr schema_;
  const Clock& clock_;
  const bool supervised_;
  const std::uint32_t instance_;
  const std::uint32_t parallelism_;
  const std::string run_;  // 8 digits
  const bool predecessor_may_wake_;
  StateTable& table_;

  std::unique_ptr<Success> success_;  // null: nobody asked for it
  Microseconds watermark_ = kNoWatermark;
  std::map<std::string, std::unique_ptr<Part>> open_;  // by folder
  std::vector<std::unique_ptr<Part>> closed_;          // complete, published by the next epoch
  std::set<std::string> made_;                         // folders known to exist
  std::uint64_t number_ = 0;
  std::vector<std::string> originals_;  // that copies were made of
  bool ended_ = false;
  std::mutex mutex_;
  std::vector<Publication> publications_;  // guarded by mutex_: prepared and not committed
};

}  // namespace stream
