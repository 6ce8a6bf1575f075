#include "snapshot/workbench/state_figures.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "snapshot/grouping.h"
#include "snapshot/sql_value.h"
#include "snapshot/table_slices.h"

namespace stream {
namespace {

constexpr std::uint64_t kPieceBytes = 32 << 20;
constexpr std::size_t kRowsAtATime = 4096;
constexpr std::size_t kTextMax = 80;

void add(RowFigures& to, std::uint64_t rows, std::uint64_t bytes) {
  to.rows += rows;
  to.bytes += bytes;
}

std::vector<std::uint64_t> row_bytes(const Batch& batch) {
  std::vector<std::uint64_t> bytes(batch.rows, 0);
  for (const Column& column : batch.columns) {
    const std::size_t width = column.type().width();
    for (std::size_t i = 0; i < batch.rows; ++i) {
      if (column.valid(i)) bytes[i] += width != 0 ? width : column.bytes(i).size();
    }
  }
  return bytes;
}

std::string key_text(const TableSpec& spec, const Batch& batch, std::size_t row) {
  std::string text;
  for (const std::size_t column : group_columns_of(spec)) {
    text += (text.empty() ? "" : ", ") + spec.field(column).name + "=" + value_text(batch.columns[column], row);
  }
  if (text.size() <= kTextMax) return text;
  std::size_t end = kTextMax - 3;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // no half of a character
  return text.replace(end, std::string::npos, "...");
}

// All rows of a key are in one piece, so that what a piece has found out of its keys is final.
class Figures {
 public:
  Figures(const TableSpec& spec, std::uint32_t key_groups, std::size_t largest) : spec_(spec), most_(largest) {
    found_.by_group.resize(key_groups);
  }

  void take(const Batch& batch) {
    const std::vector<std::uint64_t> hashes = group_hashes(spec_, batch);
    const std::vector<std::uint64_t> bytes = row_bytes(batch);
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const auto group = key_group_of(hashes[i], static_cast<std::uint32_t>(found_.by_group.size())).value();
      add(found_.all, 1, bytes[i]);
      add(found_.by_group[group], 1, bytes[i]);
      if (most_ != 0) take_key(batch, i, hashes[i], bytes[i]);
    }
  }

  void piece_done() {
    for (auto& [hash, key] : keys_) found_.largest.push_back(std::move(key));
    keys_.clear();
    const auto larger = [](const LargeKey& a, const LargeKey& b) {
      return a.figures.bytes != b.figures.bytes ? a.figures.bytes > b.figures.bytes : a.text < b.text;
    };
    std::ranges::sort(found_.largest, larger);
    if (found_.largest.size() > most_) found_.largest.resize(most_);
  }

  TableFigures finish() { return std::move(found_); }

 private:
  // Of two keys with one hash of 64 bits one would be missed, which no one will notice.
  void take_key(const Batch& batch, std::size_t row, std::uint64_t hash, std::uint64_t bytes) {
    const auto [it, first] = keys_.try_emplace(hash);
    if (first) it->second.text = key_text(spec_, batch, row);
    add(it->second.figures, 1, bytes);
  }

  const TableSpec& spec_;
  std::size_t most_;
  TableFigures found_;
  std::unordered_map<std::uint64_t, LargeKey> keys_;
};

}  // namespace

std::vector<RowFigures> TableFigures::by_instance(std::uint32_t parallelism) const {
  std::vector<RowFigures> instances(parallelism);
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    const KeyGroupRange range = key_groups_of(i, parallelism, static_cast<std::uint32_t>(by_group.size()));
    for (std::uint32_t group = range.begin; group < range.end; ++group)
      add(instances[i], by_group[group].rows, by_group[group].bytes);
  }
  return instances;
}

Result<TableFigures> figures_of(StateView& view, std::size_t table, std::size_t largest) {
  const TableSpec spec = view.plain_spec(table);
  Figures figures(spec, view.index().key_groups, largest);
  STREAM_ASSIGN(const auto pieces, view.cut(table, kPieceBytes));
  for (const KeyGroupRange piece : pieces) {
    StateTable rows(spec, false);
    STREAM_TRY(view.load(table, piece, rows));
    STREAM_TRY(for_each_chunk(rows, kRowsAtATime, [&](const Batch& batch) {
      figures.take(batch);
      return Status();
    }));
    figures.piece_done();
  }
  return figures.finish();
}

std::string fields_text(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) text += (text.empty() ? "" : ", ") + field.name + " " + to_string(field.type);
  return text;
}

}  // namespace stream
