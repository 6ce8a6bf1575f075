// RowCache: the rows of the keys that were looked up last, and which keys have none.
//
// At most so many rows, a key without rows counting as one; those whose key was not used for longest leave
// first. What is older than `expire` is not there any more.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/lookup/recent_list.h"
#include "transport/base/clock.h"
#include "transport/record/batch.h"

namespace stream {

class RowCache {
 public:
  // `schema`: of the rows; `key`: its columns they are found by.
  RowCache(SchemaPtr schema, std::vector<std::size_t> key, std::uint64_t rows_max, std::optional<Microseconds> expire);

  // Positions of the keys that are not there. The rows of those that are go to `rows`. The keys are different ones,
  // without NULLs, with a column for each of the key's; `hashes` of them.
  std::vector<std::uint32_t> find(const Batch& keys, std::span<const std::uint64_t> hashes, Microseconds now,
                                  std::vector<Batch>& rows);

  // The rows that were read for these keys, which are not there.
  void add(const Batch& keys, std::span<const std::uint64_t> hashes, std::span<const Batch> rows, Microseconds now);

  std::size_t rows() const { return rows_; }

 private:
  void add_rows(const Batch& rows);
  void shrink();
  void forget(Row entry);
  Batch gather(std::span<const Row> rows) const;

  const SchemaPtr schema_;
  const std::vector<std::size_t> key_;
  const std::uint64_t rows_max_;
  const std::optional<Microseconds> expire_;
  std::vector<std::size_t> leading_;  // 0, 1, … as many as key columns
  std::vector<std::size_t> columns_;  // of the schema -> of kept_
  StateTable entries_;                // key -> number, when it was read
  StateTable kept_;                   // key, count -> the other columns
  RecentList recent_;
  std::vector<Row> entry_of_;  // by number
  std::int64_t arrivals_ = 0;
  std::size_t rows_ = 0;
};

}  // namespace stream
