// ReferenceTable: rows in memory, found by key a batch at a time, where there are versions by time too.
// Never changes: another state of the reference is another table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "snapshot/slot_map.h"
#include "transport/record/batch.h"

namespace stream {

class ReferenceTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // All batches have one schema. `key`: columns rows are found by; rows with a NULL in one are never found.
  // `version`: the column that tells from when on a row is valid; rows without are never found.
  // Errors: kUsage if a column has more than 2 GiB, or there are too many rows.
  static Result<std::shared_ptr<const ReferenceTable>> make(const SchemaPtr& schema, std::span<const Batch> batches,
                                                            std::vector<std::size_t> key,
                                                            std::optional<std::size_t> version);

  // Columns of the schema; rows of one key follow one another, by version where there is one.
  const Batch& rows() const { return rows_; }
  // The rows of each key are [begin(k), begin(k + 1)).
  std::size_t keys() const { return begin_.size() - 1; }
  std::uint32_t begin(std::uint32_t key) const { return begin_[key]; }
  // No key has more than one row, so that a key's number is that of its row.
  bool unique() const { return keys() == rows_.rows; }

  // The number of each key, kNone where it is not there. `keys` has the columns of the key, of its types;
  // `hashes` of them. Keys with a NULL are not there.
  void find(const Batch& keys, std::span<const std::uint64_t> hashes, std::span<std::uint32_t> out) const;

  // The row of the key that is valid at `time`, the last of several; kNone if none is yet.
  std::uint32_t valid_at(std::uint32_t key, std::int64_t time) const;

 private:
  ReferenceTable() = default;
  void group(const Batch& all, std::vector<std::uint32_t>& key_of);
  void arrange(const Batch& all, const std::vector<std::uint32_t>& key_of);
  template <class Equal>
  void find_with(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> out, const Equal& equal) const;

  Batch rows_;
  std::vector<std::size_t> key_;
  std::optional<std::size_t> version_;
  SlotMap slots_;  // hash of the key -> its number
  std::vector<std::uint32_t> begin_ = {0};
  std::vector<std::int64_t> first_;  // of a key of one BIGINT or TIMESTAMP: by number, the key itself
};

// Rows where a column is NULL.
bool any_null(const Batch& batch, std::span<const std::size_t> columns, std::size_t row);

}  // namespace stream
