// stream-read-redis: the entries of a Redis stream.
#include "stages/kit/format_values.h"
#include "stages/read-redis/read_redis.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "stream", .arg = "KEY", .doc = "The key of the stream.", .positional = true, .required = true},
        stream::kRedisServerOption,
        stream::kStartOption,
        stream::kStopAtEndOption,
        {.name = "metadata",
         .arg = "LIST",
         .doc = "Columns about each entry: id and timestamp become _id and _timestamp, the time in its id.",
         .kind = OptionKind::kColumns},
        {.name = "payload",
         .arg = "FIELD",
         .doc = "The field that holds a message, of which the columns are read; not set: the fields are the columns."},
        {.name = "format",
         .arg = "FORMAT",
         .doc = "Format of what 'payload' holds; CSV without a header; not set: json.",
         .kind = OptionKind::kChoice,
         .choices = "json|ndjson|csv|text|regex|logfmt|avro"},
    }),
    stream::kTextValueOptions, stream::kRecordOptions, stream::kAvroMessageOptions,
    stream::own_options({
        stream::kRedisUserOption,
        stream::kRedisPasswordOption,
    }),
    stream::kTlsOptions,
    stream::own_options({
        stream::kRedisPatienceOption,
    }));

constexpr stream::Example kExamples[] = {
    {"stream run \"read-redis orders --schema 'id bigint, total double' --stop-at-end | filter 'total > 100' | print\"",
     "Prints large orders: XADD orders * id 7 total 150.5"},
    {"stream run \"read-redis orders --metadata timestamp --time _timestamp --stop-at-end | "
     "aggregate --window 'tumble 1m' 'count(*) as n' | write-redis counts --maxlen 1000\"",
     "Counts by the minute in which entries were added."},
};

constexpr stream::StageProgram kProgram = {
    .name = "read-redis",
    .summary = "read the entries of a Redis stream",
    .description =
        "Reads a stream (XADD) in the order of its ids. The id of the last entry that was read is part of every "
        "checkpoint, so each entry counts exactly once, whatever is killed; no consumer group is used, and the server "
        "is told nothing. The fields of an entry are the columns, their texts converted to the types of the schema; "
        "with 'payload' one field holds a message. Without a schema, one is found in the first 10,000 entries, or 1 "
        "MiB of them, and kept for the life of the job.\n\n"
        "Entries that were removed before they were read, by MAXLEN, XTRIM or XDEL, are counted and reported as a bad "
        "record. A stream that was deleted, or made anew with fewer entries than were read, or that has lost entries "
        "as its server was not durable, ends the job. One that was made anew and filled further between two looks, a "
        "second apart, or while the stage was away, cannot be told from the old one.\n\n"
        "A stream that is not there yet is waited for. When the server goes away, the stage connects again, for as "
        "long as its patience. It needs Redis 7.0 or newer, and one server.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::plan_read_redis,
    .make_source = stream::ReadRedis::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
