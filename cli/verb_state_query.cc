// The verb that asks state in SQL: state query.
#include <cstdio>

#include "cli/command.h"
#include "cli/live_state.h"
#include "cli/row_printer.h"
#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/sqlite.h"
#include "supervisor/job_client.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

// How old the answer is, for those who ask a job that runs: on standard error, as it is no part of it.
void tell_age(const StateView& view, const std::string& reference) {
  const CheckpointIndex& index = view.index();
  if (index.savepoint || reference != index.job) return;
  const Microseconds age = system_clock().wall_us() - index.created_us;
  std::fprintf(stderr, "stream state: checkpoint %llu of job '%s', %.1f s ago\n",
               static_cast<unsigned long long>(index.epoch.value()), index.job.c_str(), static_cast<double>(age) / 1e6);
}

RowForm form_of(const VerbValues& values) {
  if (values.flag("lists")) return RowForm::kLists;
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

// `head`: what is said of all rows, in front of lists.
Status print(const VerbValues& values, StateQuery& query, const std::string& head) {
  const RowForm form = form_of(values);
  if (form == RowForm::kLists) std::printf("{\"columns\":%s%s}\n", columns_of(query).c_str(), head.c_str());
  return print_rows(query, form,
                    values.has("limit") ? static_cast<std::uint64_t>(values.integer("limit")) : UINT64_MAX);
}

// Of a job that runs, from its instances.
Status answer_live(const VerbValues& values) {
  STREAM_ASSIGN(const JobPaths job, find_job(values.text("ref")));
  STREAM_ASSIGN(const std::string sql, question(values));
  STREAM_ASSIGN(const auto live, LiveJob::open(job));
  STREAM_ASSIGN(const auto query, StateQuery::start_live(live->state(), sql));
  return print(values, *query, "");
}

Status answer_query(const VerbValues& values) {
  STREAM_ASSIGN(const std::string sql, question(values));
  STREAM_ASSIGN(const auto view, open_snapshot(values.text("ref")));
  STREAM_ASSIGN(const auto query, StateQuery::start(*view, sql));
  tell_age(*view, values.text("ref"));
  return print(values, *query,
               ",\"checkpoint\":" + std::to_string(view->index().epoch.value()) +
                   ",\"created_us\":" + std::to_string(view->index().created_us));
}

int run_query(const VerbValues& values) {
  const Status answered = values.flag("live") ? answer_live(values) : answer_query(values);
  return answered.ok() ? kDone : fail("state query", answered);
}

constexpr VerbOption kQueryOptions[] = {
    kSnapshotArgument,
    {.name = "sql", .arg = "SQL", .doc = "One statement that reads, as SQLite takes it.", .positional = true},
    {.name = "table", .arg = "TABLE", .doc = "Instead of SQL: all columns of this table, where --key holds."},
    {.name = "key", .arg = "EXPR", .doc = "The condition that goes with --table."},
    {.name = "live",
     .doc = "Ask the instances of a running job for single rows, as they are now: every key column is given with '='.",
     .kind = ValueKind::kFlag},
    {.name = "limit", .arg = "N", .doc = "End after so many rows.", .kind = ValueKind::kInteger, .least = 1},
    {.name = "csv", .doc = "Print CSV with a header.", .kind = ValueKind::kFlag, .excludes = "json"},
    {.name = "lists",
     .doc = "Print JSON: first a line with the columns and which checkpoint answers, then each row as a list.",
     .kind = ValueKind::kFlag,
     .excludes = "json"},
    json_option("Print JSON, a line a row."),
};

constexpr VerbExample kQueryExamples[] = {
    {"stream state query counts 'select * from totals order by n desc limit 5'",
     "The five largest totals of a job that runs."},
    {"stream state query counts@latest \"select n from totals where host = 'a'\" --json", "One total of a savepoint."},
    {"stream state query counts --live \"select n from totals where host = 'a'\"", "One total as it is this moment."},
    {"stream state query counts --live --table totals --key \"host = 'a'\" --json", "The whole row."},
};

}  // namespace

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

}  // namespace stream
