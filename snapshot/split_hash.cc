#include "snapshot/split_hash.h"

#include <memory>
#include <string>

#include "transport/record/batch.h"
#include "transport/record/key.h"

namespace stream {

std::uint64_t split_hash(std::string_view name, std::int64_t number) {
  static const auto schema =
      std::make_shared<const Schema>(Schema{{{"name", kVarchar}, {"number", kBigint}}, {}, {}, Changelog::kAppend});
  BatchBuilder builder(schema);
  builder.column(0).append_bytes(name);
  builder.column(1).append(number);
  builder.end_row();
  std::string key;
  const std::size_t columns[] = {0, 1};
  append_key(builder.finish(), columns, 0, key);
  return hash_key(key);
}

}  // namespace stream
