#include "stages/write-postgres/last_rows.h"

#include <string>
#include <unordered_map>

#include "transport/record/key.h"

namespace stream {

std::vector<LastRow> last_rows(std::span<const Batch> batches, std::span<const std::size_t> key) {
  std::vector<LastRow> rows;
  std::unordered_map<std::string, std::size_t> known;
  std::string encoded;
  for (std::size_t b = 0; b < batches.size(); ++b) {
    for (std::size_t row = 0; row < batches[b].rows; ++row) {
      encoded.clear();
      append_key(batches[b], key, row, encoded);
      const RowKind kind = batches[b].kind(row);
      const LastRow last{b, row, kind == RowKind::kUpdateBefore || kind == RowKind::kDelete};
      const auto [at, added] = known.try_emplace(encoded, rows.size());
      if (added) {
        rows.push_back(last);
      } else {
        rows[at->second] = last;
      }
    }
  }
  return rows;
}

}  // namespace stream
