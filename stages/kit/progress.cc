#include "stages/kit/progress.h"

#include <algorithm>
#include <vector>

namespace stream {
namespace {

constexpr std::size_t kWatermark = 1;
constexpr std::size_t kEnded = 2;

TableSpec spec() {
  TableSpec out;
  out.name = "kit_progress";
  out.distribution = Distribution::kOutbox;
  out.key = {{"instance", kBigint}};
  out.value = {{"watermark", kBigint}, {"ended", kBoolean}};
  return out;
}

}  // namespace

Progress::Progress(StateStore& store, std::uint32_t instance) : table_(store.table(spec())), instance_(instance) {}

void Progress::save(Value value) {
  const Row known = table_.find({Cell(instance_)});
  if (known && table_.get<std::int64_t>(known, kWatermark) == value.watermark &&
      table_.get<std::uint8_t>(known, kEnded) == (value.ended ? 1 : 0)) {
    return;  // an unchanged row would make an empty checkpoint a full one
  }
  const Row row = table_.upsert({Cell(instance_)}).first;
  table_.set(row, kWatermark, value.watermark);
  table_.set<std::uint8_t>(row, kEnded, value.ended ? 1 : 0);
}

Progress::Value Progress::load() {
  if (table_.rows() == 0) return {};
  Value lowest{INT64_MAX, true};
  std::vector<Row> rows;
  table_.for_each([&](Row row) { rows.push_back(row); });
  for (const Row row : rows) {
    lowest.watermark = std::min(lowest.watermark, table_.get<std::int64_t>(row, kWatermark));
    lowest.ended = lowest.ended && table_.get<std::uint8_t>(row, kEnded) != 0;
    table_.erase(row);
  }
  save(lowest);
  return lowest;
}

}  // namespace stream
