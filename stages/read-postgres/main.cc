// stream-read-postgres: reads tables of a PostgreSQL database, and follows their changes.
#include "stages/read-postgres/read_postgres.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "tables",
     .arg = "NAMES",
     .doc = "The tables, each NAME or SCHEMA.NAME; each is an output of its own, named NAME.",
     .kind = OptionKind::kColumns,
     .positional = true,
     .required = true},
    {.name = "dsn",
     .arg = "SECRET",
     .doc = "Where the secret is that says how to connect: 'host=db dbname=shop user=me password=…', or a URL.",
     .kind = OptionKind::kSecret,
     .required = true},
    {.name = "mode",
     .arg = "MODE",
     .doc = "The rows there are; or new ones too, by a column that grows; or rows and all their changes.",
     .kind = OptionKind::kChoice,
     .fallback = "snapshot",
     .choices = "snapshot|poll|cdc"},
    {.name = "column", .arg = "COLUMN", .doc = "Poll: every row that comes has a greater value in it than all before."},
    {.name = "poll-interval",
     .arg = "DURATION",
     .doc = "Poll: how long to wait for new rows when there are none.",
     .kind = OptionKind::kDuration,
     .fallback = "1s"},
    {.name = "publication",
     .arg = "NAME",
     .doc = "Cdc: one that is there and holds the tables, for who may not make one; not set: one is made."},
    {.name = "slot", .arg = "NAME", .doc = "Cdc: the replication slot; not set: stream_JOB_STAGE."},
    {.name = "drop",
     .doc = "Reads nothing: drops the replication slot named by --slot, and its publication.",
     .kind = OptionKind::kFlag},
    {.name = "described", .arg = "JSON", .doc = "What planning has found of the tables.", .hidden = true},
};

constexpr stream::Example kExamples[] = {
    {"PG='dbname=shop' stream-read-postgres --dsn env:PG customer", "Prints the rows of a table of a local database."},
    {"stream run \"read-postgres customer --dsn env:PG --mode cdc | write-sqlite copy.db --table customer\"",
     "Keeps a copy of a table up to date; the database needs wal_level = logical, and PG stands in the environment."},
    {"stream-read-postgres --dsn env:PG --drop --slot stream_adhoc_1f0c8e2a_read_postgres customer",
     "Drops what a job that is gone has left behind, so that the server need not keep its log for it any longer."},
};

constexpr stream::StageProgram kProgram = {
    .name = "read-postgres",
    .summary = "read tables of a PostgreSQL database, and follow their changes",
    .description =
        "Each table is an output: behind a stage `shop` with tables: [customer, city], `from: shop.city` reads one of "
        "them. The main output is that of the first table. Columns are found when the job is planned and stay what "
        "they were.\n\n"
        "mode: snapshot reads the rows there are, in pages by the primary key, and ends. mode: poll goes on with rows "
        "whose `column` is greater than all before: an id from a sequence, a time of insertion. Updates and deletions "
        "are not seen, and neither are rows that are committed after others with a greater value, or where it is "
        "NULL; use cdc where that may be.\n\n"
        "mode: cdc reads the tables as they are at one moment and then every change, in a job only, as a stream of "
        "changes with the primary key as its key. It uses logical replication: the server needs wal_level = logical, "
        "the role REPLICATION and, unless `publication` names one, to own the tables. A restart of the job or the "
        "server loses and repeats nothing: the position is in the checkpoint, and the server hears of it when the "
        "checkpoint behind is complete. If the job stops while the tables are first read, they are read again from "
        "the beginning, and only what is different from what the checkpoint holds is emitted.\n\n"
        "Changes are complete, with the row before and after. The server sends the row before only if the table has "
        "REPLICA IDENTITY FULL; otherwise the stage keeps the rows of the table in its state. So for large tables: "
        "ALTER TABLE customer REPLICA IDENTITY FULL, which makes the server's log larger, or room in `memory`. "
        "TRUNCATE deletes every row, except under FULL, where it ends the job. A table needs a primary key. A change "
        "of the key is a deletion and an insertion. Generated columns are not sent and left out.\n\n"
        "The slot and the publication are called stream_JOB_STAGE, as the log of the stage says. The slot makes the "
        "server keep its log for as long as it exists: when a job will not go on, drop both with --drop. A job that "
        "begins anew drops and makes them itself.\n\n"
        "smallint, integer and bigint become BIGINT, real and double precision DOUBLE, numeric(p,s) DECIMAL(p,s), "
        "timestamp and timestamptz TIMESTAMP, bytea BLOB, json and jsonb JSON, boolean, date and interval the same; "
        "everything else, numeric without bounds too, VARCHAR as PostgreSQL prints it. A value that does not fit, such "
        "as an infinite date, makes a bad record.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .outputs_option = "tables",
    .inputs_max = 0,
    .examples = kExamples,
    .before_plain = stream::drop_slot,
    .plan = stream::plan_read_postgres,
    .make_source = stream::make_read_postgres,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
