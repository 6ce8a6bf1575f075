// split_hash: the hash by which a source's split finds its instance.
#pragma once

#include <cstdint>
#include <string_view>

namespace stream {

// Of a split named by a text and a number; equal to that of a state table's key (VARCHAR, BIGINT), so that
// owner_of_split() gives a split and its row to the same instance.
std::uint64_t split_hash(std::string_view name, std::int64_t number);

}  // namespace stream
