// stream-write-sqlite: writes rows to a table of an SQLite database, each exactly once.
#include "stages/kit/example_files.h"
#include "stages/write-sqlite/write_sqlite.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "path",
     .arg = "PATH",
     .doc = "The database; made if absent.",
     .kind = OptionKind::kPath,
     .positional = true,
     .required = true},
    {.name = "table", .arg = "NAME", .doc = "The table; default: the name of the stage. Made if absent."},
    {.name = "key",
     .arg = "COLUMNS",
     .doc = "Columns that identify a row: rows are then updated and deleted; default: the key of a stream of changes.",
     .kind = OptionKind::kColumns},
    {.name = "if-exists",
     .arg = "WHAT",
     .doc = "If the table exists when a run begins anew; default: fail, or append with a key.",
     .kind = OptionKind::kChoice,
     .choices = "append|replace|fail"},
};

constexpr stream::ExampleFile kExampleFiles[] = {stream::kAccessLog};

constexpr stream::Example kExamples[] = {
    {"stream run \"read-file access.ndjson | aggregate --by host 'count(*) as n' | write-sqlite hosts.db --table "
     "hosts\"; sqlite3 hosts.db 'select * from hosts order by host'",
     "Keeps one row a host.",
     R"(a|3
b|1
)"},
    {"stream run \"read-file access.ndjson --follow | aggregate --by host 'count(*) as n' | write-sqlite hosts.db "
     "--table hosts\"",
     "Does the same for as long as the log grows; a reader of hosts.db sees the state of the last checkpoint."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-sqlite",
    .summary = "write rows to a table of an SQLite database",
    .description =
        "Under a supervisor every row is written exactly once: rows wait in the checkpoint and are applied when it "
        "is complete, in one transaction together with its number. By hand, rows are written when no more input "
        "waits.\n\n"
        "With a key, +I and +U insert or replace the row, and -D deletes it; NULLs in a key are equal. Without, "
        "every row is inserted. A table that exists needs the columns, under these names in any case, and should "
        "have an index on the key. A job that goes on by a changed manifest adds those that its table lacks, but for "
        "the "
        "key; rows that are there have NULL in them.\n\n"
        "A row that the table refuses, by a constraint or a strict type, ends the job when its checkpoint is "
        "committed, whatever `on-error` says, and names the row; so does a file that is no database. Neither is tried "
        "again: mend the table and go on with stream-resume(1), or leave such rows out and run with --fresh.\n\n"
        "BIGINT and BOOLEAN become INTEGER, DOUBLE REAL, BLOB BLOB, everything else TEXT: times in RFC 3339 with "
        "Z, decimals with all their digits.\n\n"
        "Three small tables, _stream_sinks, _stream_commits and _stream_rows, hold what has been committed. They "
        "name rows by row id: do not VACUUM a table without an INTEGER PRIMARY KEY while its job may go back.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .plan = stream::plan_write_sqlite,
    .make_sink = stream::WriteSqlite::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
