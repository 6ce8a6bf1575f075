// ObjectParts: rows in many objects of S3-compatible storage, each there once a checkpoint that has all of it counts.
//
// An object is an upload in parts that nobody sees until it is completed, which is what the commit does: full parts go
// up as they fill, and what is left is kept in the state table until it fills one or the object is complete: at its
// size or age, at the end of the input, and after a restart. Keys are `part-INSTANCE-eEPOCH-RUN-NUMBER.EXT`; EPOCH is
// the last that was prepared when the object was begun, so that all of its rows came later.
//
// Numbers of parts tell attempts apart: an instance that wakes after its time may still add parts to an upload that is
// gone on with, but replaces none of those that the state table names.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "stages/write-file/part_name.h"
#include "stages/write-file/settings.h"
#include "storage/object_store.h"
#include "storage/place.h"

namespace stream {

TableSpec objects_spec();

// The number of the part behind `last` by an attempt; no two of 16 attempts in a row use the same.
std::uint32_t next_part_number(std::uint32_t last, std::uint32_t attempt);

// "1:ETAG\n17:ETAG\n", as the state table has them.
std::string parts_text(const std::vector<UploadedPart>& parts);
Result<std::vector<UploadedPart>> parts_of_text(std::string_view text);

class ObjectParts final : public Sink {
 public:
  ObjectParts(Context& context, FileSettings settings, StoragePlace place, std::unique_ptr<ObjectStore> store);

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
  struct Object {
    std::string key;                   // below the path
    std::unique_ptr<Encoder> encoder;  // null: closed
    ByteBuilder buffer;                // behind the parts
    std::string upload;                // "" = not begun
    std::vector<UploadedPart> parts;
    std::uint64_t size = 0;  // of the parts
    Microseconds opened = 0;
    bool changed = true;  // other than its row
  };
  struct Publication {
    OpenUpload upload;
    std::vector<UploadedPart> parts;
    std::uint64_t size = 0;
    Epoch epoch;
    bool maybe_done = false;  // restored: it may have happened before
  };
  struct Found {
    std::vector<FoundPart> objects;
    std::vector<std::string> keys;               // of the objects, below the path
    std::map<std::string, std::string> uploads;  // id -> key
  };

  std::string next_key(const std::string& folder);
  Object& object_of(const std::string& folder);
  void close_due();
  Status send(Object& object, bool all);
  Status complete(const Publication& publication);
  Status publish_now();
  void store(const Object& object, Epoch rolled);
  Status roll(Object& object, Epoch epoch);
  // object_parts_restore.cc
  Result<Found> find();
  Status check_existing(const Found& found);
  Status remove_leftovers(const Found& found);
  Result<bool> restore_row(const Found& found, Row row);
  Status begin_again(Object& object);
  bool mine(const std::string& key) const;

  FileSettings settings_;
  const StoragePlace place_;
  const std::unique_ptr<ObjectStore> store_;
  const SchemaPtr schema_;
  const Clock& clock_;
  const bool supervised_;
  const std::uint32_t instance_;
  const std::uint32_t parallelism_;
  const std::uint32_t attempt_;
  const std::string run_;  // 8 digits
  StateTable& table_;

  std::map<std::string, std::unique_ptr<Object>> open_;  // by folder
  std::vector<std::unique_ptr<Object>> closed_;          // complete, published by the next epoch
  Epoch prepared_;                                       // the last one
  std::uint64_t number_ = 0;
  bool ended_ = false;
  std::mutex mutex_;
  std::vector<Publication> publications_;  // guarded by mutex_: prepared and not committed
};

}  // namespace stream
