// Loader: reads a reference on a thread of its own, one thing at a time, so that the run loop never waits for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stages/lookup/design.h"
#include "stages/lookup/reference_table.h"
#include "transport/base/worker.h"

namespace stream {

class Loader {
 public:
  struct Outcome {
    Status status;
    std::shared_ptr<const ReferenceTable> table;  // of the whole reference; null: it has not changed
    std::vector<Batch> rows;                      // of keys
  };

  // The design outlives it.
  Loader(const LookupDesign& design, SchemaPtr schema, std::unique_ptr<ReferenceReader> reader, std::uint64_t bytes_max)
      : design_(design), schema_(std::move(schema)), reader_(std::move(reader)), bytes_max_(bytes_max) {}

  // Begins. Nothing must be at work.
  void read_all();
  void read_keys(Batch keys);

  // What has been read since, if anything. Readable when there is something: wake_fd().
  Result<std::optional<Outcome>> take();
  int wake_fd() const { return worker_.wake_fd(); }

 private:
  Status load(Outcome& outcome);
  void submit(std::function<Status(Outcome&)> work);

  const LookupDesign& design_;
  const SchemaPtr schema_;
  const std::unique_ptr<ReferenceReader> reader_;  // used on the worker's thread only
  const std::uint64_t bytes_max_;
  std::string version_;  // likewise: of what was read last
  bool have_ = false;    // likewise
  std::optional<Outcome> outcome_;
  Worker worker_;  // the last to be made: ends before what it uses
};

}  // namespace stream
