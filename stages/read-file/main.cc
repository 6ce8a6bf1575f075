#include "stages/kit/example_files.h"
#include "stages/kit/format_values.h"
#include "stages/read-file/pipe_input.h"
#include "stages/read-file/read_file.h"

namespace {

using stream::Option;
using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "path",
         .arg = "PATH",
         .doc = "File, folder, glob (in quotes), s3:// URL of such, or - for standard input.",
         .kind = OptionKind::kPath,
         .positional = true,
         .required = true},
        stream::kFormatOption,
        {.name = "follow",
         .doc = "Go on reading as files grow, through rotation and truncation.",
         .kind = OptionKind::kFlag},
        {.name = "sample-size",
         .arg = "SIZE",
         .doc = "Bytes from which the schema is found, at most 10,000 records.",
         .kind = OptionKind::kSize,
         .fallback = "1MiB"},
        stream::kHeaderOption,
    }),
    stream::kTextValueOptions, stream::kRecordOptions,
    stream::own_options({
        stream::kChangesKeyOption,
        {.name = "split-size",
         .arg = "SIZE",
         .doc = "Uncompressed files of lines are shared between instances in pieces of this size; 0 keeps files whole.",
         .kind = OptionKind::kSize,
         .fallback = "64MiB"},
    }));

constexpr stream::ExampleFile kExampleFiles[] = {
    stream::kAccessLog,
    {"orders.csv", R"(id,at,customer,price
1,2026-01-30 09:00:00,ann,25.50
2,2026-01-30 17:30:00,bob,199.90
3,2026-01-31 08:15:00,ann,7.25
)"},
    {"changes.ndjson", R"({"op":"c","before":null,"after":{"id":1,"total":20}}
{"op":"c","before":null,"after":{"id":2,"total":5}}
{"op":"u","before":{"id":1,"total":20},"after":{"id":1,"total":30}}
)"}};

constexpr stream::Example kExamples[] = {
    {"stream-read-file access.ndjson | stream-filter 'status >= 500'", "Filters a file of JSON lines.",
     R"({"ts":"2026-01-31T12:00:01Z","host":"b","visitor":"bob","path":"/buy","status":503,"ms":950}
{"ts":"2026-01-31T12:00:40Z","host":"a","visitor":"ann","path":"/buy","status":500,"ms":70}
)"},
    {"stream run \"read-file '/var/log/nginx/*.log' --follow --format regex --pattern '^(?P<host>\\S+) .* "
     "(?P<status>\\d+)' | print\"",
     "Follows logs through rotation."},
    {"stream run \"read-file - --format csv | aggregate --by customer 'sum(price) as total' | print\" < orders.csv",
     "Reads standard input in a job, exactly once whatever of the job is killed.",
     R"({"_op":"+I","customer":"ann","total":32.75}
{"_op":"+I","customer":"bob","total":199.9}
)"},
    {"gzip -k orders.csv; stream-read-file orders.csv.gz --schema 'id bigint, at timestamp, customer varchar, price "
     "decimal(10,2)'",
     "Reads compressed CSV with declared types.",
     R"({"id":1,"at":"2026-01-30T09:00:00Z","customer":"ann","price":"25.50"}
{"id":2,"at":"2026-01-30T17:30:00Z","customer":"bob","price":"199.90"}
{"id":3,"at":"2026-01-31T08:15:00Z","customer":"ann","price":"7.25"}
)"},
    {"stream run \"read-file changes.ndjson --format debezium-json --key id | aggregate 'count(*) as rows, sum(total) "
     "as total' | print\"",
     "Counts and sums the rows of a table from its changes.",
     R"({"_op":"+I","rows":2,"total":35}
)"},
    {"stream run \"read-file access.ndjson | write-file access.avro\" && stream-read-file access.avro | stream-filter "
     "'ms > 900'",
     "Reads a file of Avro records, whose schema it holds.",
     R"({"ts":"2026-01-31T12:00:01Z","host":"b","visitor":"bob","path":"/buy","status":503,"ms":950}
)"},
};

const stream::StageProgram kProgram{
    .name = "read-file",
    .summary = "read records from files",
    .description =
        "Reads NDJSON, CSV, text, logfmt, lines taken apart by a regular expression, or files of Avro records; all may "
        "be compressed with gzip or zstd.\n\n"
        "A file of Avro records (an object container file) says itself what it holds, so it needs no schema; where one "
        "is given, or another file gave it, fields are found by name, and a column that the records do not have is "
        "NULL. "
        "int and long are BIGINT, float and double DOUBLE, string, enum and uuid VARCHAR, bytes and fixed BLOB, "
        "decimal up to 38 digits DECIMAL, timestamps TIMESTAMP (local ones as UTC, nanoseconds cut), date DATE, times "
        "of day and duration INTERVAL; a union of null and one type is that type's column, and arrays, maps, records "
        "and other unions are JSON. A column that is declared otherwise takes what says the same: DOUBLE an integer, "
        "TIMESTAMP a number with time-unit, any type a text that reads as one. Blocks may be compressed with deflate, "
        "zstandard or snappy. A damaged block is one bad record, and reading goes on with the next.\n\n"
        "Of format debezium-json each line is a change of a row as Debezium writes it, with or without its schema: "
        "the rows are a stream of changes with the key columns given. c and r insert a row, u updates one, d deletes "
        "one; tombstones are skipped. An update must tell the whole row it changes, for which the database logs whole "
        "rows (REPLICA IDENTITY FULL, binlog_row_image=FULL); else it is a bad record. Let Debezium write decimals as "
        "text (decimal.handling.mode=string), and give time-unit for its times. One instance reads the files, in the "
        "order of their names.\n\n"
        "The files are those that are there when a job begins, however often it goes on. Where it goes on with "
        "another path, the files that this one means are read behind those; with another format it does not go on.\n\n"
        "Positions are byte offsets, so a checkpoint resumes exactly behind the last record. A file is known by "
        "its path and the hash of its first KiB.\n\n"
        "With --follow the last record is held back until its line end arrives. A renamed file is read to its end "
        "while its successor is followed, and so is one that a changed path does not name any more; a truncated one is "
        "read from its start again. A compressed file is "
        "read once, when it is whole: its data ends where its format says, and nothing has been added for a moment. "
        "What is appended to it later is not read. One that holds what was read from a file before it was compressed, "
        "as when logs rotate, is not read again: it is known by the first KiB of what it holds, and the length; one "
        "that took more lines after its file was let go, 10 s behind the renaming, counts as new. A file that appears "
        "and is renamed before anybody looks, such as "
        "while a job restarts, is found only if its new name is in the path too: follow the folder, or a glob like "
        "'app.log*'. One instance reads files that are followed.\n\n"
        "Of standard input, the path -, the schema is found from the first 10,000 records or sample-size bytes; where "
        "the writer is slow, from the records that come within 10 ms of the first. It is then kept for the life of "
        "the job. In a job its supervisor spools standard input to disk, and this stage reads the spool, so a "
        "checkpoint resumes exactly here too; see stream-checkpoint(7). Compressed standard input is not recognised: "
        "put zcat before it.\n\n"
        "A path may be an object, a prefix or a glob in S3-compatible storage, as in s3://bucket/logs/*.ndjson.gz or, "
        "of another server than Amazon's, s3://bucket/logs?endpoint=http://host:9000; see stream-storage(7). Objects "
        "are read by ranges, split as files are, and known again by their beginnings. With --follow new ones are "
        "looked for every five seconds, and read in the order of their names, by as many instances as there are; one "
        "that is replaced after it was found is not read again, but one that was deleted and comes back is. What was "
        "read is remembered until it is deleted.\n\n"
        "A path that is a pipe, such as <(command) or a FIFO, is read like standard input; a job refuses it, as it "
        "could not be read again after a crash.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .before_plain = stream::read_pipe_as_stdin,
    .plan = stream::plan_read_file,
    .make_source = stream::make_read_file,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
