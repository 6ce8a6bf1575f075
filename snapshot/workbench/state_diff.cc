#include "snapshot/workbench/state_diff.h"

#include <algorithm>
#include <optional>

#include "snapshot/table_slices.h"
#include "transport/record/same_value.h"

namespace stream {
namespace {

constexpr std::uint64_t kPieceBytes = 32 << 20;
constexpr std::size_t kRowsAtATime = 4096;

std::vector<std::size_t> key_columns(const TableSpec& spec) {
  std::vector<std::size_t> columns(spec.key.size());
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  return columns;
}

std::vector<Row> find_in(const StateTable& table, const Batch& batch) {
  const std::vector<std::size_t> keys = key_columns(table.spec());
  std::vector<std::uint64_t> hashes(batch.rows);
  hash_keys(batch, keys, hashes);
  std::vector<Row> rows(batch.rows);
  table.find(batch, keys, hashes, rows);
  return rows;
}

// A table that both have.
class TableDiff {
 public:
  TableDiff(StateView& a, std::size_t in_a, StateView& b, std::size_t in_b, DifferenceVisitor& visitor)
      : a_(a), b_(b), in_a_(in_a), in_b_(in_b), visitor_(visitor) {}

  Status run() {
    if (table_a().spec.key != table_b().spec.key)
      return visitor_.note(table_a(), "has another key in B, so that rows cannot be compared");
    STREAM_TRY(match_columns());
    STREAM_ASSIGN(const auto pieces, cut());
    for (const KeyGroupRange piece : pieces) STREAM_TRY(compare(piece));
    return {};
  }

 private:
  struct Pair {
    std::size_t in_a, in_b;
  };
  const ViewedTable& table_a() const { return a_.tables()[in_a_]; }
  const ViewedTable& table_b() const { return b_.tables()[in_b_]; }

  Status match_columns() {
    const TableSpec& a = table_a().spec;
    const TableSpec& b = table_b().spec;
    for (std::size_t i = a.key.size(); i < a.columns(); ++i) {
      const auto other = b.find(a.field(i).name);
      const std::string column = "column '" + a.field(i).name + "' ";
      if (!other)
        STREAM_TRY(visitor_.note(table_a(), column + "is only in A"));
      else if (a.field(i).type != b.field(*other).type)
        STREAM_TRY(visitor_.note(table_a(), column + "is " + to_string(a.field(i).type) + " in A and " +
                                                to_string(b.field(*other).type) + " in B"));
      else
        pairs_.push_back({i, *other});
    }
    for (std::size_t i = b.key.size(); i < b.columns(); ++i) {
      if (!a.find(b.field(i).name))
        STREAM_TRY(visitor_.note(table_b(), "column '" + b.field(i).name + "' is only in B"));
    }
    return {};
  }

  // Rows of one key are in the same piece on both sides only if groups are.
  Result<std::vector<KeyGroupRange>> cut() {
    const bool alike =
        a_.index().key_groups == b_.index().key_groups && table_a().spec.group_columns == table_b().spec.group_columns;
    if (alike) return a_.cut(in_a_, kPieceBytes);
    return std::vector{KeyGroupRange{0, UINT32_MAX}};
  }

  static KeyGroupRange within(KeyGroupRange piece, const StateView& view) {
    return {piece.begin, std::min(piece.end, view.index().key_groups)};
  }

  Status compare(KeyGroupRange piece) {
    StateTable in_a(a_.plain_spec(in_a_), false);
    StateTable in_b(b_.plain_spec(in_b_), false);
    STREAM_TRY(a_.load(in_a_, within(piece, a_), in_a));
    STREAM_TRY(b_.load(in_b_, within(piece, b_), in_b));
    STREAM_TRY(for_each_chunk(in_a, kRowsAtATime, [&](const Batch& rows) { return compare_rows(rows, in_b); }));
    return for_each_chunk(in_b, kRowsAtATime, [&](const Batch& rows) { return tell_added(rows, in_a); });
  }

  Status compare_rows(const Batch& before, const StateTable& in_b) {
    const std::vector<Row> found = find_in(in_b, before);
    const Batch after = all_columns(in_b, found);
    for (std::size_t i = 0; i < before.rows; ++i) {
      if (!found[i]) {
        STREAM_TRY(visitor_.removed(table_a(), {before, i}));
        continue;
      }
      const std::vector<std::size_t> columns = differing(before, after, i);
      if (!columns.empty()) STREAM_TRY(visitor_.changed(table_a(), {before, i}, table_b(), {after, i}, columns));
    }
    return {};
  }

  std::vector<std::size_t> differing(const Batch& before, const Batch& after, std::size_t row) const {
    std::vector<std::size_t> columns;
    for (const Pair& pair : pairs_) {
      if (!same_value(before.columns[pair.in_a], row, after.columns[pair.in_b], row)) columns.push_back(pair.in_a);
    }
    return columns;
  }

  Status tell_added(const Batch& after, const StateTable& in_a) {
    const std::vector<Row> found = find_in(in_a, after);
    for (std::size_t i = 0; i < after.rows; ++i) {
      if (!found[i]) STREAM_TRY(visitor_.added(table_b(), {after, i}));
    }
    return {};
  }

  StateView& a_;
  StateView& b_;
  std::size_t in_a_;
  std::size_t in_b_;
  DifferenceVisitor& visitor_;
  std::vector<Pair> pairs_;
};

std::optional<std::size_t> same_table(const StateView& view, const ViewedTable& table) {
  const auto it = std::ranges::find(view.tables(), table.long_name(), &ViewedTable::long_name);
  if (it == view.tables().end()) return std::nullopt;
  return static_cast<std::size_t>(it - view.tables().begin());
}

}  // namespace

Status diff_states(StateView& a, StateView& b, DifferenceVisitor& visitor) {
  const auto wanted = [&](const ViewedTable& table) { return !table.pending && visitor.wants(table); };
  for (std::size_t i = 0; i < a.tables().size(); ++i) {
    const ViewedTable& table = a.tables()[i];
    if (!wanted(table)) continue;
    const auto other = same_table(b, table);
    STREAM_TRY(other ? TableDiff(a, i, b, *other, visitor).run() : visitor.note(table, "is only in A"));
  }
  for (const ViewedTable& table : b.tables()) {
    if (wanted(table) && !same_table(a, table)) STREAM_TRY(visitor.note(table, "is only in B"));
  }
  return {};
}

}  // namespace stream
