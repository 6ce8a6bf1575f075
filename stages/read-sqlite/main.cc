// stream-read-sqlite: reads rows of an SQLite database, and those that come.
#include "stages/read-sqlite/read_sqlite.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "path",
     .arg = "PATH",
     .doc = "The database.",
     .kind = OptionKind::kPath,
     .positional = true,
     .required = true},
    {.name = "table", .arg = "NAME", .doc = "The table or view whose rows are read."},
    {.name = "query", .arg = "SQL", .doc = "Instead of a table: a SELECT."},
    {.name = "column",
     .arg = "COLUMN",
     .doc = "Every row that comes has a greater value in it than all before; default: the row id of a table."},
    {.name = "follow", .doc = "Go on with rows that come.", .kind = OptionKind::kFlag},
    {.name = "poll-interval",
     .arg = "DURATION",
     .doc = "How long to wait for new rows when there are none.",
     .kind = OptionKind::kDuration,
     .fallback = "1s"},
    {.name = "zone",
     .arg = "ZONE",
     .doc = "Time zone of times without an offset: an IANA name, or 'local'.",
     .fallback = "UTC"},
    {.name = "time-unit",
     .arg = "UNIT",
     .doc = "Unit of times given as numbers; not set: such times are bad records.",
     .kind = OptionKind::kChoice,
     .choices = "s|ms|us|ns"},
};

constexpr stream::Example kExamples[] = {
    {"sqlite3 cities.db \"create table city (name text); insert into city values ('Oslo')\"; stream-read-sqlite "
     "cities.db --table city",
     "Prints the rows of a table.",
     R"({"name":"Oslo"}
)"},
    {"stream run \"read-sqlite shop.db --table orders --column id --follow | aggregate --by customer 'count(*) as n' | "
     "write-sqlite totals.db --table totals\"",
     "Counts orders as they are inserted."},
};

constexpr stream::StageProgram kProgram = {
    .name = "read-sqlite",
    .summary = "read rows of an SQLite database, and those that come",
    .description =
        "Rows come in the order of a column that only grows, such as an INTEGER PRIMARY KEY: each has a greater value "
        "than all that were there before it. The greatest value read is the position, so that in a job every row comes "
        "exactly once, whatever is killed. Rows that are changed or deleted later are not seen, nor are those where "
        "the column is NULL. With --follow the database is looked at again every `poll-interval`.\n\n"
        "A table's row id is taken where no column is named. It grows as long as the newest row is not deleted; with "
        "AUTOINCREMENT, always; but VACUUM renumbers the rows of a table without an INTEGER PRIMARY KEY. A query, a "
        "view, or a table WITHOUT ROWID is read without a column by counting "
        "rows: a job that is killed then needs them to come again in the same order.\n\n"
        "Rows are read in pages of 4,096, and nothing is locked between them. What a writer has not committed is never "
        "seen, also when it dies. When another file is put in the place of the database, as with VACUUM INTO and a "
        "rename, it is read on from the same position there; SQLite wants no writer to be at work just then, nor a "
        "reader, so stop the job for it where writers do not wait.\n\n"
        "Types are those that the columns declare. A column of text, or one that declares nothing, is what the first "
        "10,000 rows are: TIMESTAMP if all of them are times, as write-sqlite writes them, else VARCHAR, or BIGINT, "
        "DOUBLE or BLOB. --schema 'ts timestamp' says otherwise for the columns that it names. A value that does not "
        "fit its column makes a bad record.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::plan_read_sqlite,
    .make_source = stream::ReadSqlite::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
