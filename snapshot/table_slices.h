// The rows of a state table as batches. A column of one batch holds less than 2 GiB, so that a table
// of any size, or one key group of it, must be cut somewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "snapshot/state_table.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr std::uint64_t kSliceBytesMax = 256 << 20;

// These rows, all columns in the order of the spec.
Batch all_columns(const StateTable& table, std::span<const Row> rows);

// Visits every row once, in batches of at most `bytes_max` or of one row; if they are several, by
// ascending key group. Not at all if the table is empty. Returns the first error of the visitor.
Status for_each_slice(const StateTable& table, std::uint32_t key_groups, std::uint64_t bytes_max,
                      const std::function<Status(const Batch&)>& visit);

// Visits every row once, in no order, so many at a time.
Status for_each_chunk(const StateTable& table, std::size_t rows, const std::function<Status(const Batch&)>& visit);

}  // namespace stream
