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
  out.distribution = Distribution::kShared;
  out.key = {{"instance", kBigint}};
  out.value = {{"watermark", kBigint}, {"ended", kBoolean}};
  return out;
}

TableSpec splits_spec() {
  TableSpec out;
  out.name = "kit_splits";
  out.distribution = Distribution::kShared;
  out.key = {{"split", kBigint}};
  out.value = {{"highest", kBigint}};
  return out;
}

}  // namespace

Progress::Progress(StateStore& store, std::uint32_t instance)
    : table_(store.table(spec())), splits_(store.table(splits_spec())), instance_(instance) {}

void Progress::save_splits(const std::map<std::uint64_t, Microseconds>& highest) {
  std::vector<Row> closed;
  splits_.for_each([&](Row row) {
    if (!highest.contains(static_cast<std::uint64_t>(splits_.get<std::int64_t>(row, 0)))) closed.push_back(row);
  });
  for (const Row row : closed) splits_.erase(row);
  for (const auto& [split, time] : highest) {
    const Cell key(static_cast<std::int64_t>(split));
    const Row known = splits_.find({key});
    if (known && splits_.get<std::int64_t>(known, 1) == time) continue;
    splits_.set(splits_.upsert({key}).first, 1, time);
  }
}

std::map<std::uint64_t, Microseconds> Progress::load_splits() const {
  std::map<std::uint64_t, Microseconds> out;
  splits_.for_each([&](Row row) {
    out[static_cast<std::uint64_t>(splits_.get<std::int64_t>(row, 0))] = splits_.get<std::int64_t>(row, 1);
  });
  return out;
}

void Progress::save(Value value) {
  const Row known = table_.find({Cell(instance_)});
  if (!known && value.watermark == INT64_MIN && !value.ended) return;
  if (known && table_.get<std::int64_t>(known, kWatermark) == value.watermark &&
      table_.get<std::uint8_t>(known, kEnded) == (value.ended ? 1 : 0)) {
    return;  // an unchanged row would make an empty checkpoint a full one
  }
  const Row row = table_.upsert({Cell(instance_)}).first;
  table_.set(row, kWatermark, value.watermark);
  table_.set<std::uint8_t>(row, kEnded, value.ended ? 1 : 0);
}

Progress::Value Progress::load(std::uint32_t continued) {
  if (table_.rows() == 0) return {};
  Value lowest = table_.rows() < continued ? Value() : Value{INT64_MAX, true};
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
