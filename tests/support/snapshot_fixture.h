// What tests of snapshots share: an instance with its store and writer, and short checks.
#pragma once

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

#include "snapshot/checkpoint.h"
#include "snapshot/snapshot_writer.h"
#include "snapshot/state_store.h"
#include "tests/support/temp_dir.h"

namespace stream {

template <class T>
T take(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.ok(), result.status().what());
  return *std::move(result);
}

inline void require_ok(const Status& status) { BOOST_REQUIRE_MESSAGE(status.ok(), status.what()); }

// One running instance of stage "totals".
struct Instance {
  Instance(Files& files, std::string root, std::uint32_t instance, std::uint32_t parallelism, std::uint32_t attempt = 1)
      : store({instance, parallelism, kKeyGroupsDefault, true}),
        writer(files, options(root, instance, parallelism, attempt)) {}

  static WriterOptions options(const std::string& root, std::uint32_t instance, std::uint32_t parallelism,
                               std::uint32_t attempt) {
    WriterOptions options;
    options.identity.job = "job";
    options.identity.run = std::string(32, '7');
    options.identity.attempt = Attempt(attempt);
    options.identity.stage = "totals";
    options.identity.instance = instance;
    options.identity.parallelism = parallelism;
    options.checkpoints = root + "/checkpoints";
    options.scratch = root + "/scratch" + std::to_string(instance) + "." + std::to_string(attempt);
    options.increments_max = 3;
    options.compact_above_bytes = 64 << 10;
    return options;
  }

  StateStore store;
  SnapshotWriter writer;
};

// Status: of the merge, if the writer wanted one.
inline Status try_merge(SnapshotWriter& writer) {
  std::optional<SnapshotWriter::Merge> merge = writer.begin_merge();
  if (!merge) return {};
  STREAM_TRY(writer.merge(*merge));
  writer.merged(*std::move(merge));
  return {};
}

inline void merge_if_wanted(SnapshotWriter& writer) { require_ok(try_merge(writer)); }

inline CheckpointIndex index_of(Epoch epoch, std::uint32_t parallelism, const std::vector<InstanceFiles>& instances) {
  CheckpointIndex index;
  index.epoch = epoch;
  index.job = "job";
  index.run = std::string(32, '7');
  index.attempt = Attempt(1);
  index.manifest = "pipeline: test\n";
  index.plan = "{}";
  index.stages = {{"totals", parallelism}};
  for (const InstanceFiles& files : instances) index.instances.push_back({"totals", files.instance, files.files, "{}"});
  return index;
}

}  // namespace stream
