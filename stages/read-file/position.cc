#include "stages/read-file/position.h"

#include "transport/record/batch.h"
#include "transport/record/key.h"

namespace stream {

std::vector<Field> position_key() { return {{"path", kVarchar}, {"begin", kBigint}}; }

std::vector<Field> position_value() {
  return {{"end", kBigint},       {"offset", kBigint}, {"done", kBoolean}, {"head_size", kBigint},
          {"head_hash", kBigint}, {"device", kBigint}, {"inode", kBigint}};
}

std::uint64_t split_hash(std::string_view path, std::int64_t begin) {
  static const auto schema = std::make_shared<const Schema>(Schema{position_key(), {}, {}, Changelog::kAppend});
  BatchBuilder builder(schema);
  builder.column(0).append_bytes(path);
  builder.column(1).append(begin);
  builder.end_row();
  std::string key;
  const std::size_t columns[] = {0, 1};
  append_key(builder.finish(), columns, 0, key);
  return hash_key(key);
}

std::uint32_t split_owner(const Position& split, std::uint32_t parallelism) {
  return static_cast<std::uint32_t>(((split_hash(split.path, split.begin) >> 32) * parallelism) >> 32);
}

}  // namespace stream
