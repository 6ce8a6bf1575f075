// The verbs that look into one snapshot: state ls, show, export.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/command.h"
#include "cli/row_printer.h"
#include "cli/savepoint_refs.h"
#include "cli/state_columns.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/sqlite.h"
#include "snapshot/workbench/state_figures.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

ordered_json figures_json(const RowFigures& figures) { return {{"rows", figures.rows}, {"bytes", figures.bytes}}; }

ordered_json table_json(const ViewedTable& table) {
  return {{"stage", table.stage},
          {"table", table.name},
          {"distribution", to_string(table.spec.distribution)},
          {"pending", table.pending}};
}

// Rows that wait for a commit are no state to count.
Result<TableFigures> figures_if_settled(StateView& view, std::size_t table, std::size_t largest) {
  return view.tables()[table].pending ? Result<TableFigures>(TableFigures()) : figures_of(view, table, largest);
}

int run_ls(const VerbValues& values) {
  const auto view = open_snapshot(values.text("ref"));
  if (!view.ok()) return fail("state ls", view.status());
  Table table({"TABLE", "STAGE", ">ROWS", ">BYTES", "KEY"});
  for (std::size_t i = 0; i < (*view)->tables().size(); ++i) {
    const ViewedTable& each = (*view)->tables()[i];
    if (each.internal && !values.flag("all")) continue;
    const auto figures = figures_if_settled(**view, i, 0);
    if (!figures.ok()) return fail("state ls", figures.status());
    ordered_json line = table_json(each);
    if (!each.pending) line.update(figures_json(figures->all));
    if (values.flag("json")) std::printf("%s\n", line.dump().c_str());
    table.add({each.name, each.stage, each.pending ? "pending" : std::to_string(figures->all.rows),
               each.pending ? "" : format_size(figures->all.bytes), fields_text(each.spec.key)});
  }
  if (!values.flag("json")) std::fputs(table.text().c_str(), stdout);
  return kDone;
}

std::uint32_t parallelism_of(const StateView& view, const std::string& stage) {
  return std::ranges::find(view.index().stages, stage, &IndexStage::name)->parallelism;
}

RowFigures fullest(const std::vector<RowFigures>& list) {
  return *std::ranges::max_element(list, {}, [](const RowFigures& one) { return one.rows; });
}

// How far the fullest is above the mean: 1.0 is even.
double skew(const std::vector<RowFigures>& list, std::uint64_t rows) {
  return rows == 0
             ? 1
             : static_cast<double>(fullest(list).rows) * static_cast<double>(list.size()) / static_cast<double>(rows);
}

std::string rows_text(std::uint64_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); }

void print_table(const StateView& view, const ViewedTable& table, const TableFigures& figures) {
  const bool keyed = table.spec.distribution == Distribution::kKeyed;
  std::printf("%s: stage %s, %s\n", table.name.c_str(), table.stage.c_str(),
              std::string(to_string(table.spec.distribution)).c_str());
  if (!table.spec.definition.empty()) std::printf("  holds  %s\n", table.spec.definition.c_str());
  for (const std::string& line : column_lines(table.spec)) std::printf("  %s\n", line.c_str());
  if (table.pending) {
    std::puts("  rows   that the sink has not committed yet");
    return;
  }
  std::printf("  rows   %llu, %s\n", static_cast<unsigned long long>(figures.all.rows),
              format_size(figures.all.bytes).c_str());
  if (!keyed || figures.all.rows == 0) return;
  const std::uint32_t parallelism = parallelism_of(view, table.stage);
  const auto instances = figures.by_instance(parallelism);
  for (std::uint32_t i = 0; parallelism > 1 && i < parallelism; ++i)
    std::printf("         %llu of instance %u\n", static_cast<unsigned long long>(instances[i].rows), i);
  if (figures.all.rows >= figures.by_group.size())
    std::printf("  skew   the fullest of %zu key groups has %llu rows, %.1f times the mean\n", figures.by_group.size(),
                static_cast<unsigned long long>(fullest(figures.by_group).rows),
                skew(figures.by_group, figures.all.rows));
  for (const LargeKey& key : figures.largest)
    std::printf("  large  %s: %s, %s\n", visible(key.text).c_str(), rows_text(key.figures.rows).c_str(),
                format_size(key.figures.bytes).c_str());
}

void print_json(const StateView& view, const ViewedTable& table, const TableFigures& figures) {
  ordered_json out = table_json(table);
  out["columns"] = columns_json(table.spec);
  if (!table.spec.definition.empty()) out["holds"] = table.spec.definition;
  if (!table.pending) {
    out.update(figures_json(figures.all));
    out["skew"] = skew(figures.by_group, figures.all.rows);
    if (table.spec.distribution == Distribution::kKeyed) {
      out["instances"] = ordered_json::array();
      for (const RowFigures& one : figures.by_instance(parallelism_of(view, table.stage)))
        out["instances"].push_back(figures_json(one));
    }
    out["largest"] = ordered_json::array();
    for (const LargeKey& key : figures.largest) {
      ordered_json line = {{"key", key.text}};
      line.update(figures_json(key.figures));
      out["largest"].push_back(std::move(line));
    }
  }
  std::printf("%s\n", out.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

int run_show(const VerbValues& values) {
  const auto view = open_snapshot(values.text("ref"));
  if (!view.ok()) return fail("state show", view.status());
  const bool one = values.has("table");
  const auto chosen = one ? (*view)->find(values.text("table")) : Result<std::size_t>(0);
  if (!chosen.ok()) return fail("state show", chosen.status());
  const std::size_t end = one ? *chosen + 1 : (*view)->tables().size();
  bool first = true;
  for (std::size_t i = *chosen; i < end; ++i) {
    if ((*view)->tables()[i].internal && !one && !values.flag("all")) continue;
    if (!std::exchange(first, false) && !values.flag("json")) std::puts("");
    const auto figures = figures_if_settled(**view, i, static_cast<std::size_t>(values.integer("largest")));
    if (!figures.ok()) return fail("state show", figures.status());
    (values.flag("json") ? print_json : print_table)(**view, (*view)->tables()[i], *figures);
  }
  return kDone;
}

int run_export(const VerbValues& values) {
  const auto view = open_snapshot(values.text("ref"));
  if (!view.ok()) return fail("state export", view.status());
  const auto table = (*view)->find(values.text("table"));
  if (!table.ok()) return fail("state export", table.status());
  const auto query = StateQuery::start(**view, "SELECT * FROM " + sql_name(values.text("table")));
  if (!query.ok()) return fail("state export", query.status());
  const Status printed = print_rows(**query, values.text("format") == "csv" ? RowForm::kCsv : RowForm::kLines);
  return printed.ok() ? kDone : fail("state export", printed);
}

constexpr VerbOption kAll = {
    .name = "all", .doc = "Positions of sources, watermarks, dead letters and the like too.", .kind = ValueKind::kFlag};

constexpr VerbOption kLsOptions[] = {
    kSnapshotArgument,
    kAll,
    json_option("Print JSON, a line a table."),
};

constexpr VerbExample kLsExamples[] = {
    {"stream state ls web-errors", "Lists what the newest checkpoint of a job holds."},
    {"stream state ls web-errors@before-upgrade", "Lists what a savepoint holds."},
};

constexpr VerbOption kShowOptions[] = {
    kSnapshotArgument,
    kAll,
    {.name = "table", .arg = "TABLE", .doc = "As state ls calls it; without it all are shown.", .positional = true},
    {.name = "largest",
     .arg = "N",
     .doc = "Show so many of the keys that hold most.",
     .kind = ValueKind::kInteger,
     .fallback = "5",
     .least = 0,
     .most = 1000},
    json_option("Print JSON, a line a table."),
};

constexpr VerbExample kShowExamples[] = {
    {"stream state show web-errors", "Shows what a job keeps, and whether it lies evenly."},
    {"stream state show web-errors@latest per_minute --largest 20", "Shows the keys that hold most of a table."},
};

constexpr VerbOption kExportOptions[] = {
    kSnapshotArgument,
    {.name = "table", .arg = "TABLE", .doc = "As state ls calls it.", .positional = true, .required = true},
    {.name = "format",
     .arg = "FORMAT",
     .doc = "How rows are written.",
     .kind = ValueKind::kChoice,
     .fallback = "json",
     .choices = "json|csv"},
};

constexpr VerbExample kExportExamples[] = {
    {"stream state export counts totals --format csv > totals.csv", "Gives a table of state to a spreadsheet."},
};

}  // namespace

const VerbTable kStateLsVerb = {
    .description =
        "Lists the state tables of a savepoint or checkpoint, each across all instances of its stage: rows, bytes of "
        "their values, and the columns of the key. A table is called by its own name, or STAGE.TABLE where several "
        "stages have one of that name. Tables of sinks whose rows are not yet committed are marked.",
    .options = kLsOptions,
    .examples = kLsExamples,
    .no = kNoSnapshot,
    .run = run_ls,
};

const VerbTable kStateShowVerb = {
    .description =
        "Shows the state tables of a savepoint or checkpoint: columns with what they mean, rows, bytes of their "
        "values, "
        "how evenly rows lie over key groups and instances, and the keys that hold most. A key here is what places a "
        "row, so that a hot one shows whatever else is in the key of the table. The whole state is read.",
    .options = kShowOptions,
    .examples = kShowExamples,
    .no = kNoSnapshot,
    .run = run_show,
};

const VerbTable kStateExportVerb = {
    .description = "Prints all rows of a state table of a savepoint or checkpoint, across all instances.",
    .options = kExportOptions,
    .examples = kExportExamples,
    .no = kNoSnapshot,
    .run = run_export,
};

}  // namespace stream
