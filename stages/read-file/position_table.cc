#include "stages/read-file/position_table.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace stream {
namespace {

enum Column : std::size_t { kPath, kBegin, kEnd, kOffset, kDone, kHeadSize, kHeadHash, kDevice, kInode, kRecords };

}  // namespace

TableSpec splits_spec() {
  TableSpec spec;
  spec.name = "splits";
  spec.distribution = Distribution::kSplit;
  spec.key = position_key();
  spec.value = position_value();
  return spec;
}

TableSpec paths_spec(Format format) {
  TableSpec spec;
  spec.name = "paths";
  spec.distribution = Distribution::kShared;
  spec.key = {{"path", kVarchar}};
  spec.definition = "of " + std::string(format_name(format));
  return spec;
}

PositionTable::PositionTable(StateStore& store, Format format)
    : table_(store.table(splits_spec())), paths_(store.table(paths_spec(format))) {}

void PositionTable::store_path(std::string_view path) {
  if (paths_.rows() == 1 && paths_.find({path})) return;
  std::vector<Row> old;
  paths_.for_each([&](Row row) { old.push_back(row); });
  for (const Row row : old) paths_.erase(row);
  paths_.upsert({path});
}

bool PositionTable::of_another_path(std::string_view path) const { return paths_.rows() > 0 && !paths_.find({path}); }

Position PositionTable::position_of(Row row) const {
  Position position;
  position.path = table_.bytes(row, kPath);
  position.begin = table_.get<std::int64_t>(row, kBegin);
  position.end = table_.get<std::int64_t>(row, kEnd);
  position.offset = table_.get<std::int64_t>(row, kOffset);
  position.done = table_.get<std::uint8_t>(row, kDone) != 0;
  position.head_size = table_.get<std::int64_t>(row, kHeadSize);
  position.head_hash = table_.get<std::int64_t>(row, kHeadHash);
  position.device = table_.get<std::int64_t>(row, kDevice);
  position.inode = table_.get<std::int64_t>(row, kInode);
  position.records = table_.get<std::int64_t>(row, kRecords);
  return position;
}

std::vector<Position> PositionTable::load() const {
  std::vector<Position> positions;
  table_.for_each([&](Row row) { positions.push_back(position_of(row)); });
  std::sort(positions.begin(), positions.end(),
            [](const Position& a, const Position& b) { return std::tie(a.path, a.begin) < std::tie(b.path, b.begin); });
  return positions;
}

void PositionTable::store(const std::vector<Position>& positions) {
  std::set<std::pair<std::string, std::int64_t>> kept;
  for (const Position& position : positions) kept.emplace(position.path, position.begin);
  std::vector<Row> old;
  table_.for_each([&](Row row) {
    const Position stored = position_of(row);
    if (!kept.contains({stored.path, stored.begin})) old.push_back(row);
  });
  for (const Row row : old) table_.erase(row);
  for (const Position& position : positions) {
    if (const Row found = table_.find({std::string_view(position.path), position.begin});
        found && position_of(found) == position) {
      continue;
    }
    const Row row = table_.upsert({std::string_view(position.path), position.begin}).first;
    table_.set(row, kEnd, position.end);
    table_.set(row, kOffset, position.offset);
    table_.set(row, kDone, static_cast<std::uint8_t>(position.done));
    table_.set(row, kHeadSize, position.head_size);
    table_.set(row, kHeadHash, position.head_hash);
    table_.set(row, kDevice, position.device);
    table_.set(row, kInode, position.inode);
    table_.set(row, kRecords, position.records);
  }
}

}  // namespace stream
