// stream-write-postgres: writes rows to a table of a PostgreSQL database, each exactly once.
#include "stages/kit/example_files.h"
#include "stages/write-postgres/leftovers.h"
#include "stages/write-postgres/write_postgres.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "table",
     .arg = "NAME",
     .doc = "The table, or schema.table; default: the name of the stage. Made if absent.",
     .positional = true},
    {.name = "dsn",
     .arg = "SECRET",
     .doc = "Where the secret is that says how to connect: 'host=db dbname=shop user=me password=…', or a URL.",
     .kind = OptionKind::kSecret,
     .required = true},
    {.name = "key",
     .arg = "COLUMNS",
     .doc = "Columns that identify a row: rows are then updated and deleted; default: the key of a stream of changes.",
     .kind = OptionKind::kColumns},
    {.name = "if-exists",
     .arg = "WHAT",
     .doc = "If the table exists when a run begins anew; default: fail, or append with a key.",
     .kind = OptionKind::kChoice,
     .choices = "append|replace|fail"},
    {.name = "commit",
     .arg = "HOW",
     .doc = "Where rows wait for their checkpoint: in the job, or in a prepared transaction of the server.",
     .kind = OptionKind::kChoice,
     .fallback = "outbox",
     .choices = "outbox|two-phase"},
    {.name = "leftovers",
     .arg = "WHAT",
     .doc = "Reads and writes no rows: list, roll back or commit prepared transactions that dead jobs left behind.",
     .kind = OptionKind::kChoice,
     .choices = "list|roll-back|commit"},
    {.name = "leftovers-of", .arg = "RUN", .doc = "With leftovers: of this run only, as the list shows it."},
};

constexpr stream::ExampleFile kExampleFiles[] = {stream::kAccessLog};

constexpr stream::Example kExamples[] = {
    {"printf '{\"id\":1,\"city\":\"Oslo\"}\\n' | PG='dbname=postgres' stream-write-postgres --dsn env:PG places",
     "Makes the table places of a local database, if it is not there, and inserts one row."},
    {"stream run \"read-file access.ndjson --follow | aggregate --by host 'count(*) as n' | write-postgres hosts --dsn "
     "env:PG\"",
     "Keeps one row a host, as of the last checkpoint; PG is taken from the environment of each stage."},
    {"stream-write-postgres --dsn env:PG --leftovers list", "Lists prepared transactions that wait for their jobs."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-postgres",
    .summary = "write rows to a table of a PostgreSQL database",
    .description =
        "Under a supervisor every row is written exactly once: rows wait in the checkpoint and are applied when it is "
        "complete, in one transaction together with its number. By hand, rows are written when no more input waits. "
        "A server that restarts is waited for, up to a minute.\n\n"
        "Rows go to the server by COPY. With a key, +I and +U insert or replace the row, and -D deletes it, by INSERT "
        "… ON CONFLICT from a temporary table; NULLs in a key are equal. Without, every row is inserted. A table that "
        "exists needs the columns, spelled the same, and a unique index on the key; columns that a changed pipeline "
        "brings are added where it goes on.\n\n"
        "A row that the table refuses, by a constraint or a type, ends the job when its checkpoint is committed, "
        "whatever `on-error` says, with what the server says of it. It is not tried again: mend the table and go on "
        "with stream-resume(1), or leave such rows out and run with --fresh.\n\n"
        "With commit: two-phase, rows go to the server as they come, into a transaction that is prepared at the "
        "checkpoint's barrier and committed behind it; the checkpoint holds only its name. This is for rows that are "
        "only inserted, and many: without a key. The server needs max_prepared_transactions, of at least three an "
        "instance. A run that goes on resolves what it left behind. What is left of a run that never will is shown by "
        "--leftovers list; it holds locks and keeps the server from cleaning up until --leftovers roll-back "
        "--leftovers-of RUN, or commit if its rows are wanted.\n\n"
        "BIGINT becomes bigint, DOUBLE double precision, DECIMAL numeric, VARCHAR text, TIMESTAMP timestamptz, BLOB "
        "bytea, JSON jsonb; BOOLEAN, DATE and INTERVAL are what they are.\n\n"
        "Two small tables beside the table, _stream_sinks and _stream_commits, hold what has been committed. Rows are "
        "taken back, should a complete checkpoint be lost, by the transaction that inserted them.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .before_plain = stream::resolve_leftovers,
    .plan = stream::plan_write_postgres,
    .make_sink = stream::make_write_postgres,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
