#include "stages/read-file/position.h"

#include "snapshot/table_spec.h"

namespace stream {

std::vector<Field> position_key() { return {{"path", kVarchar}, {"begin", kBigint}}; }

std::vector<Field> position_value() {
  return {{"end", kBigint},       {"offset", kBigint}, {"done", kBoolean}, {"head_size", kBigint},
          {"head_hash", kBigint}, {"device", kBigint}, {"inode", kBigint}, {"records", kBigint}};
}

std::uint32_t split_owner(const Position& split, std::uint32_t parallelism) {
  return owner_of_split(split_hash(split.path, split.begin), parallelism);
}

}  // namespace stream
