// Canonical key encoding, its hash, and which instance owns a key.
//
// Each key column is encoded as one tag byte (0 = NULL, 1 = value) and, for a value:
//
//   BOOLEAN               1 byte
//   BIGINT, TIMESTAMP     8 bytes, little endian
//   DATE                  4 bytes, little endian
//   DOUBLE                8 bytes, little endian; -0 as +0, every NaN as 0x7ff8000000000000
//   DECIMAL               16 bytes of the value without trailing decimal zeros, then 1 byte, the
//                         scale that is left: 1.50 and 1.5 are one key
//   INTERVAL              16 bytes: months, days, microseconds
//   VARCHAR, BLOB, JSON   4 bytes length, little endian, then the bytes
//
// The hash is XXH3-64 (seed 0) of the encoding. Its high 32 bits give the key group, its low bits
// the slot in a hash table, so that the two are independent. Frozen: snapshots depend on it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "transport/base/ids.h"
#include "transport/record/batch.h"

namespace stream {

inline constexpr std::uint32_t kKeyGroupsDefault = 1024;

// Appends the encoding of the key columns of one row.
void append_key(const Batch& batch, std::span<const std::size_t> key_columns, std::size_t row, std::string& out);

std::uint64_t hash_key(std::string_view encoded_key);

// Whether two rows have the same key: equal encodings.
bool same_key(const Batch& batch, std::span<const std::size_t> key_columns, std::size_t a, std::size_t b);

// Hashes the key of every row; out has batch.rows elements.
void hash_keys(const Batch& batch, std::span<const std::size_t> key_columns, std::span<std::uint64_t> out);

inline KeyGroup key_group_of(std::uint64_t hash, std::uint32_t key_groups) {
  return KeyGroup(static_cast<std::uint32_t>(((hash >> 32) * key_groups) >> 32));
}

// Instance i of p owns the groups [ceil(i*g/p), ceil((i+1)*g/p)).
inline std::uint32_t owner_of(KeyGroup group, std::uint32_t key_groups, std::uint32_t parallelism) {
  return static_cast<std::uint32_t>(std::uint64_t{group.value()} * parallelism / key_groups);
}

struct KeyGroupRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  // behind the last
};

inline bool overlap(KeyGroupRange a, KeyGroupRange b) { return a.begin < b.end && b.begin < a.end; }

KeyGroupRange key_groups_of(std::uint32_t instance, std::uint32_t parallelism, std::uint32_t key_groups);

}  // namespace stream
