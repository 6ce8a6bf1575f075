// The verbs that look into one snapshot: state ls, show, query, export.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/live_state.h"
#include "cli/row_printer.h"
#include "cli/savepoint_refs.h"
#include "cli/state_columns.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/sqlite.h"
#include "snapshot/workbench/state_figures.h"
#include "transport/base/clock.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

// How old the answer is, for those who ask a job that runs: on standard error, as it is no part of it.
void tell_age(const StateView& view, const std::string& reference) {
  const CheckpointIndex& index = view.index();
  if (index.savepoint || reference != index.job) return;
  const Microseconds age = system_clock().wall_us() - index.created_us;
  std::fprintf(stderr, "stream state: checkpoint %llu of job '%s', %.1f s ago\n",
               static_cast<unsigned long long>(index.epoch.value()), index.job.c_str(), static_cast<double>(age) / 1e6);
}

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

RowForm form_of(const VerbValues& values) {
  return values.flag("json") ? RowForm::kLines : values.flag("csv") ? RowForm::kCsv : RowForm::kTable;
}

// SQL, or the row that --table and --key name.
Result<std::string> question(const VerbValues& values) {
  if (values.has("sql") && values.has("table")) return usage_error("give SQL, or --table and --key");
  if (values.has("sql")) return values.text("sql");
  if (values.has("table") && values.has("key"))
    return "SELECT * FROM " + sql_name(values.text("table")) + " WHERE " + values.text("key");
  return usage_error("argument SQL is missing, or --table and --key");
}

// Of a job that runs, from its instances.
Status answer_live(const VerbValues& values) {
  STREAM_ASSIGN(const JobPaths job, find_job(values.text("ref")));
  STREAM_ASSIGN(const std::string sql, question(values));
  STREAM_ASSIGN(const auto live, LiveJob::open(job));
  STREAM_ASSIGN(const auto query, StateQuery::start_live(live->state(), sql));
  return print_rows(*query, form_of(values));
}

Status answer_query(const VerbValues& values) {
  STREAM_ASSIGN(const std::string sql, question(values));
  STREAM_ASSIGN(const auto view, open_snapshot(values.text("ref")));
  STREAM_ASSIGN(const auto query, StateQuery::start(*view, sql));
  tell_age(*view, values.text("ref"));
  return print_rows(*query, form_of(values));
}

int run_query(const VerbValues& values) {
  const Status answered = values.flag("live") ? answer_live(values) : answer_query(values);
  return answered.ok() ? kDone : fail("state query", answered);
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

constexpr VerbOption kReference = {
    .name = "ref",
    .arg = "REF",
    .doc = "A savepoint or checkpoint: a path, JOB@N, JOB@LABEL, JOB@latest, or JOB for its newest checkpoint.",
    .kind = ValueKind::kReference,
    .positional = true,
    .required = true};

constexpr VerbOption kAll = {
    .name = "all", .doc = "Positions of sources, watermarks, dead letters and the like too.", .kind = ValueKind::kFlag};

constexpr VerbOption kLsOptions[] = {
    kReference,
    kAll,
    json_option("Print JSON, a line a table."),
};

constexpr VerbExample kLsExamples[] = {
    {"stream state ls web-errors", "Lists what the newest checkpoint of a job holds."},
    {"stream state ls web-errors@before-upgrade", "Lists what a savepoint holds."},
};

constexpr VerbOption kShowOptions[] = {
    kReference,
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

constexpr VerbOption kQueryOptions[] = {
    kReference,
    {.name = "sql", .arg = "SQL", .doc = "One statement that reads, as SQLite takes it.", .positional = true},
    {.name = "table", .arg = "TABLE", .doc = "Instead of SQL: all columns of this table, where --key holds."},
    {.name = "key", .arg = "EXPR", .doc = "The condition that goes with --table."},
    {.name = "live",
     .doc = "Ask the instances of a running job for single rows, as they are now: every key column is given with '='.",
     .kind = ValueKind::kFlag},
    {.name = "csv", .doc = "Print CSV with a header.", .kind = ValueKind::kFlag, .excludes = "json"},
    json_option("Print JSON, a line a row."),
};

constexpr VerbExample kQueryExamples[] = {
    {"stream state query counts 'select * from totals order by n desc limit 5'",
     "The five largest totals of a job that runs."},
    {"stream state query counts@latest \"select n from totals where host = 'a'\" --json", "One total of a savepoint."},
    {"stream state query counts --live \"select n from totals where host = 'a'\"", "One total as it is this moment."},
    {"stream state query counts --live --table totals --key \"host = 'a'\" --json", "The whole row."},
};

constexpr VerbOption kExportOptions[] = {
    kReference,
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

constexpr std::string_view kNoSnapshot = "The snapshot is damaged.";

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

const VerbTable kStateQueryVerb = {
    .description =
        "Asks a question in SQL of the state tables of a savepoint or checkpoint, each as one table across all "
        "instances. Of a job that runs the newest checkpoint answers, as old as is said on standard error; the job is "
        "not "
        "disturbed.\n\n"
        "SQLite answers, so that its functions and its comparison rules are those to use; nothing can be changed. "
        "Values stand "
        "as in savepoints, see stream-snapshot(5): an instant as the text 2024-01-31T00:00:00.000000Z, a DECIMAL as "
        "the "
        "text 12.50. The hidden column _key_group can be asked for. A condition that gives all key columns that place "
        "a "
        "row reads little; a query over several tables copies them to a temporary file first.\n\n"
        "With --live the instance that has a row is asked for it, through the supervisor, and answers between two "
        "batches. A query is a point lookup then: each of its tables has every key column given with '=', as a "
        "constant "
        "or from another table. A row is as the last batch has left it, rows of two lookups may be of two moments, and "
        "what comes may be taken back: after a failure the job goes on from a checkpoint. Values that a stage gathers "
        "apart, such as a source's position, are as of the last checkpoint. A row of more than 128 KiB is refused.",
    .options = kQueryOptions,
    .examples = kQueryExamples,
    .no = kNoSnapshot,
    .run = run_query,
};

const VerbTable kStateExportVerb = {
    .description = "Prints all rows of a state table of a savepoint or checkpoint, across all instances.",
    .options = kExportOptions,
    .examples = kExportExamples,
    .no = kNoSnapshot,
    .run = run_export,
};

}  // namespace stream
