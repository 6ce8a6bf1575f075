// stream-write-file: writes rows to a file or a folder of files, each exactly once.
#include "stages/kit/example_files.h"
#include "stages/write-file/settings.h"
#include "stages/write-file/write_file.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "path",
     .arg = "PATH",
     .doc = "A file, or with a / at its end a folder of parts, which may be an s3:// URL.",
     .kind = OptionKind::kPath,
     .positional = true,
     .required = true},
    {.name = "format",
     .arg = "FORMAT",
     .doc = "Default: CSV if the path ends in .csv or .tsv, Avro if it ends in .avro, else NDJSON.",
     .kind = OptionKind::kChoice,
     .choices = "ndjson|csv|avro"},
    {.name = "codec",
     .arg = "CODEC",
     .doc = "Avro: how blocks are compressed; not set: deflate, or as the file that is appended to.",
     .kind = OptionKind::kChoice,
     .choices = "null|deflate|zstandard"},
    {.name = "if-exists",
     .arg = "WHAT",
     .doc = "If the file, or parts in the folder, exist when a run begins anew.",
     .kind = OptionKind::kChoice,
     .fallback = "fail",
     .choices = "append|replace|fail"},
    {.name = "by",
     .arg = "LIST",
     .doc = "Folders only: SQL expressions; rows go to NAME=VALUE/ below the path, a level for each.",
     .kind = OptionKind::kSelect},
    {.name = "roll-size",
     .arg = "SIZE",
     .doc = "Folders only: a part is complete at this size.",
     .kind = OptionKind::kSize,
     .fallback = "128MiB"},
    {.name = "roll-every",
     .arg = "DURATION",
     .doc = "Folders only: a part is complete at this age.",
     .kind = OptionKind::kDuration,
     .fallback = "1h"},
    {.name = "success-after",
     .arg = "DURATION",
     .doc =
         "Folders only: when event time is so far past the newest row of a folder, an empty file _SUCCESS is made in "
         "it; not set: never.",
     .kind = OptionKind::kDuration},
    {.name = "delimiter",
     .arg = "BYTE",
     .doc = "CSV: what separates fields, one byte or 'tab'; not set: a comma, or a tab for .tsv."},
    {.name = "header",
     .arg = "WHERE",
     .doc = "CSV: every file begins with the names of the columns, or none does.",
     .kind = OptionKind::kChoice,
     .fallback = "first",
     .choices = "first|none"},
};

constexpr stream::ExampleFile kExampleFiles[] = {stream::kOrders};

constexpr stream::Example kExamples[] = {
    {"stream run \"read-file orders.ndjson --follow | write-file archive/ --by 'country' --roll-every 10m\"",
     "Archives orders as archive/country=DE/part-0-e600-1a2b3c4d-0.ndjson and so on."},
    {"stream run \"read-file orders.ndjson | write-file orders.avro --codec zstandard\"",
     "Makes a file of Avro records, which holds its schema."},
    {"stream run \"read-file orders.ndjson --time at | write-file daily/ --by \\\"to_char(at, 'YYYY-MM-DD') as day\\\" "
     "--success-after 1d\"",
     "Writes a folder for each day, and a file _SUCCESS in it when the day is over."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-file",
    .summary = "write rows to a file or a folder of files",
    .description =
        "Under a supervisor every row is written exactly once. One file grows at checkpoints only. In a folder, a "
        "part grows under a hidden name and is renamed when it is complete: at its size or age, at the end of the "
        "input, and after a restart. So whoever reads files without a dot in front sees whole ones.\n\n"
        "The names of parts hold the instance, the checkpoint that published them, the first 8 digits of the run, "
        "and a number. With --by, NULL is `__null__`, and bytes that could mean something to a shell or a file "
        "system are written as %XX.\n\n"
        "In S3-compatible storage, as in s3://bucket/archive/ or s3://bucket/archive/?endpoint=http://host:9000, a "
        "part "
        "is an upload that nobody sees until the checkpoint that has the last of it completes it; its name holds the "
        "checkpoint it was begun behind. Up to 8 MiB of each part that grows are kept in the state of the job. See "
        "stream-storage(7); let no rule of the bucket abort uploads younger than a part may become.\n\n"
        "With --success-after, a folder whose event time has passed gets an empty file _SUCCESS, by the checkpoint "
        "that "
        "publishes its last rows, and once they are there; at the end of the input every folder does. Take the "
        "duration "
        "as long as a folder's span of time, plus how late rows may come: what comes later still is written in a "
        "further part. One instance writes then.\n\n"
        "Of Avro, files hold a record a row: each field is a union of null and what the column is, long for BIGINT, "
        "bytes of decimal for DECIMAL, long of timestamp-micros, int of date, bytes for BLOB, and string for VARCHAR "
        "and, marked with stream.type, for JSON and INTERVAL. A block ends at 64 KiB and at each checkpoint. What is "
        "appended to must hold the same columns. Names of columns are letters, digits and _.\n\n"
        "A stream of changes gets a first field `_op`: +I, -U, +U or -D. By hand, one file grows when no more "
        "input waits, and parts are renamed when they are complete.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .plan = stream::plan_write_file,
    .make_sink = stream::make_write_file,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
