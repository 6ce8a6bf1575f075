#include "cli/compare_states.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "snapshot/sql_value.h"
#include "snapshot/workbench/state_diff.h"
#include "snapshot/workbench/state_figures.h"

namespace stream {
namespace {

ResultValue state_value(const Column& column, std::size_t row) {
  if (!column.valid(row)) return {};
  switch (column.type().kind) {
    case TypeKind::kBoolean: return boolean_value(column.value<std::uint8_t>(row) != 0);
    case TypeKind::kBigint: return integer_value(column.value<std::int64_t>(row));
    case TypeKind::kDouble: return real_value(column.value<double>(row));
    case TypeKind::kVarchar: return text_value(std::string(column.bytes(row)));
    case TypeKind::kBlob: return {.kind = ResultKind::kBlob, .text = std::string(column.bytes(row))};
    case TypeKind::kJson: {
      const auto parsed = nlohmann::json::parse(column.bytes(row), nullptr, false);
      return parsed.is_discarded() ? text_value(std::string(column.bytes(row))) : json_value(parsed);
    }
    default: return text_value(value_text(column, row));
  }
}

RecordColumns columns_of(const TableSpec& spec) {
  RecordColumns columns{.names = {}, .keys = spec.key.size()};
  for (std::size_t i = 0; i < spec.columns(); ++i) columns.names.push_back(spec.field(i).name);
  return columns;
}

ResultRecord record_of(const TableSpec& spec, DifferenceVisitor::Place place) {
  ResultRecord record;
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    ResultValue value = state_value(place.rows.columns[i], place.row);
    if (!value.null()) record[i] = std::move(value);
  }
  return record;
}

// What is known of a table, as it is printed.
struct Compared {
  Compared(const PrintSettings& settings, const ViewedTable& table)
      : of(table.name), columns(columns_of(table.spec)), printer(settings, of, columns) {}
  std::string of;
  RecordColumns columns;
  DifferencePrinter printer;
  DiffCounts counts;
  bool noted = false;
};

class StateComparison final : public DifferenceVisitor {
 public:
  StateComparison(const CompareSettings& settings, CompareReport& report) : settings_(settings), report_(report) {}

  bool wants(const ViewedTable& table) override {
    const bool named = !settings_.table.empty();
    const bool right = named ? table.name == settings_.table || table.long_name() == settings_.table : !table.internal;
    return right && !table.pending && (settings_.stage.empty() || table.stage == settings_.stage);
  }

  Status note(const ViewedTable& table, const std::string& what) override {
    for (const std::string& column : settings_.diff.ignore) {
      if (what.starts_with("column '" + column + "' ")) return {};
    }
    of(table).noted = true;
    return report_.missing(table.name, what == "is only in A" || what == "is only in B" ? "this table " + what : what);
  }

  Status removed(const ViewedTable& table, Place before) override {
    ++of(table).counts.only_a;
    return of(table).printer.only(Side::kA, record_of(table.spec, before), 1);
  }
  Status added(const ViewedTable& table, Place after) override {
    ++of(table).counts.only_b;
    return of(table).printer.only(Side::kB, record_of(table.spec, after), 1);
  }

  Status changed(const ViewedTable& before, Place from, const ViewedTable& after, Place to,
                 std::span<const std::size_t> columns) override {
    std::vector<std::size_t> kept;
    ResultRecord b;
    for (std::size_t i = 0; i < before.spec.columns(); ++i) {
      const auto other = after.spec.find(before.spec.field(i).name);
      if (ResultValue value = other ? state_value(to.rows.columns[*other], to.row) : ResultValue(); !value.null())
        b[i] = std::move(value);
    }
    const ResultRecord a = record_of(before.spec, from);
    for (const std::size_t column : columns) {
      if (!settings_.diff.ignore.contains(before.spec.field(column).name) && !near(a, b, column))
        kept.push_back(column);
    }
    if (kept.empty()) return {};
    ++of(before).counts.differing;
    return of(before).printer.differs(a, b, kept, 1);
  }

  Status count_rows(StateView& view, Side side) {
    for (std::size_t i = 0; i < view.tables().size(); ++i) {
      if (!wants(view.tables()[i])) continue;
      STREAM_ASSIGN(const TableFigures figures, figures_of(view, i, 0));
      DiffCounts& counts = of(view.tables()[i]).counts;
      (side == Side::kA ? counts.rows_a : counts.rows_b) = figures.all.rows;
    }
    return {};
  }

  Status finish() {
    for (const auto& [name, table] : tables_)
      STREAM_TRY(report_.counted(table.of, table.counts, table.printer.left_out(), table.noted));
    return {};
  }

 private:
  bool near(const ResultRecord& a, const ResultRecord& b, std::size_t column) const {
    const auto x = a.find(column);
    const auto y = b.find(column);
    return x != a.end() && y != b.end() && about_same(x->second, y->second, settings_.diff.tolerance);
  }

  Compared& of(const ViewedTable& table) {
    return tables_.try_emplace(table.long_name(), settings_.print, table).first->second;
  }

  const CompareSettings& settings_;
  CompareReport& report_;
  std::map<std::string, Compared> tables_;
};

// Whether anything differs in where sources have read to.
class PositionComparison final : public DifferenceVisitor {
 public:
  explicit PositionComparison(const std::set<std::string>& sources) : sources_(sources) {}
  bool wants(const ViewedTable& table) override {
    return sources_.contains(table.stage) && table.spec.distribution == Distribution::kSplit;
  }
  Status note(const ViewedTable&, const std::string&) override { return differ(); }
  Status removed(const ViewedTable&, Place) override { return differ(); }
  Status added(const ViewedTable&, Place) override { return differ(); }
  Status changed(const ViewedTable&, Place, const ViewedTable&, Place, std::span<const std::size_t>) override {
    return differ();
  }
  bool same() const { return same_; }

 private:
  Status differ() {
    same_ = false;
    return {};
  }
  const std::set<std::string>& sources_;
  bool same_ = true;
};

}  // namespace

Result<bool> same_positions(StateView& a, StateView& b, const std::set<std::string>& sources) {
  PositionComparison comparison(sources);
  STREAM_TRY(diff_states(a, b, comparison));
  return comparison.same();
}

Status compare_states(StateView& a, StateView& b, const CompareSettings& settings, CompareReport& report) {
  if (!settings.diff.key.empty()) return usage_error("tables of state have keys of their own: leave out --key");
  if (!settings.table.empty() && !a.find(settings.table).ok()) STREAM_TRY(b.find(settings.table).status());
  StateComparison comparison(settings, report);
  STREAM_TRY(comparison.count_rows(a, Side::kA));
  STREAM_TRY(comparison.count_rows(b, Side::kB));
  STREAM_TRY(diff_states(a, b, comparison));
  return comparison.finish();
}

Result<std::unique_ptr<StateView>> newest_state(const std::string& checkpoints) {
  STREAM_ASSIGN(const std::vector<Epoch> epochs, list_checkpoints(system_files(), checkpoints));
  if (epochs.empty()) return failed("there is no checkpoint whose state could be compared");
  STREAM_ASSIGN(CheckpointIndex index, load_index(index_path(checkpoints, epochs.back())));
  return StateView::open(std::move(index), checkpoints);
}

}  // namespace stream
