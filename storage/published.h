// Published: which checkpoints of a job count, as one object that only its last writer can change.
//
//   {"format": 1, "writer": "…", "revision": 7, "checkpoints": [{"epoch": 12, "size": 40960, "sha256": "…"}]}
//
// It is replaced as a whole, on the condition that it is what was read last (If-Match), or that there is none
// (If-None-Match: *). Whoever begins takes it over: the change of its writer makes every later put of the writer before
// fail, also one that is still on its way. No two contents are the same, so that a condition holds at most once.
//
// The outcome of a put without an answer is unknown. Nothing is decided then: the next call looks first.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "storage/object_store.h"

namespace stream {

struct PublishedCheckpoint {
  std::uint64_t epoch = 0;
  std::uint64_t size = 0;  // of its index
  std::string sha256;
  friend bool operator==(const PublishedCheckpoint&, const PublishedCheckpoint&) = default;
};

struct PublishedList {
  std::string writer;
  std::uint64_t revision = 0;
  std::vector<PublishedCheckpoint> checkpoints;  // by epoch
  friend bool operator==(const PublishedList&, const PublishedList&) = default;
};

std::string to_json(const PublishedList& list);
// Errors: kCorrupt; kUsage for a format of a later release.
Result<PublishedList> published_from_json(std::string_view text);

// Not for several threads at once.
class Published {
 public:
  // `writer`: random, of this process alone.
  Published(ObjectStore& store, std::string key, std::string writer)
      : store_(store), key_(std::move(key)), writer_(std::move(writer)) {}

  // Makes this the only writer. What is there then stays what it is until this changes it.
  Status take_over();

  // Errors: kSystem: unknown whether it was done, call any of these again; kInterrupted: somebody else has taken it
  // over, for good.
  Status add(const PublishedCheckpoint& checkpoint);
  Status remove(const std::vector<std::uint64_t>& epochs);
  // Finds out what was left unknown.
  Status settle();

  // As last seen; true once nothing is unknown.
  const std::vector<PublishedCheckpoint>& checkpoints() const { return list_.checkpoints; }
  bool has(std::uint64_t epoch) const;

 private:
  using Change = std::function<void(PublishedList&)>;
  Status look();
  Status change(const Change& change);
  Result<bool> replace(PublishedList wanted);
  static Status busy();
  static Status lost();

  ObjectStore& store_;
  const std::string key_;
  const std::string writer_;
  PublishedList list_;
  std::string etag_;         // "" = there is no object
  std::uint64_t tried_ = 0;  // the highest revision that was sent
  bool unknown_ = true;
};

// What is published, for readers. None where there is no object.
Result<PublishedList> read_published(ObjectStore& store, const std::string& key);

}  // namespace stream
