#include "snapshot/workbench/row_sets.h"

#include "snapshot/sql_value.h"
#include "snapshot/table_slices.h"
#include "snapshot/workbench/draft_table.h"

namespace stream {
namespace {

constexpr std::uint64_t kPieceBytes = 32 << 20;
constexpr std::size_t kRowsAtATime = 4096;

}  // namespace

Status for_each_row_set(StateView& view, std::size_t table, const RowSetVisitor& visit) {
  const ViewedTable& viewed = view.tables()[table];
  if (by_instance(viewed.spec)) {
    for (const IndexInstance& instance : view.index().instances) {
      if (instance.stage != viewed.stage) continue;
      StateTable rows(view.plain_spec(table), false);
      STREAM_TRY(view.load_of_instance(table, instance.instance, rows));
      STREAM_TRY(for_each_chunk(rows, kRowsAtATime, [&](const Batch& some) { return visit(some, instance.instance); }));
    }
    return {};
  }
  STREAM_ASSIGN(const auto pieces, view.cut(table, kPieceBytes));
  for (const KeyGroupRange piece : pieces) {
    StateTable rows(view.plain_spec(table), false);
    STREAM_TRY(view.load(table, piece, rows));
    STREAM_TRY(for_each_chunk(rows, kRowsAtATime, [&](const Batch& some) { return visit(some, 0); }));
  }
  return {};
}

Result<Batch> RowReader::next(std::size_t most) {
  std::vector<ColumnBuilder> columns;
  for (std::size_t i = 0; i < spec_.columns(); ++i) columns.emplace_back(spec_.field(i).type);
  Batch batch{nullptr, 0, {}, {}};
  while (!over_ && batch.rows < most) {
    STREAM_ASSIGN(const bool row, rows_.step());
    over_ = !row;  // another step would begin anew
    if (over_) break;
    for (std::size_t i = 0; i < columns.size(); ++i) STREAM_TRY(append_value(rows_, static_cast<int>(i), columns[i]));
    behind_ = rows_.integer(static_cast<int>(columns.size()));
    ++batch.rows;
  }
  for (ColumnBuilder& column : columns) batch.columns.push_back(column.finish());
  return batch;
}

}  // namespace stream
