// stream-write-redis: rows as entries of a Redis stream.
#include "stages/kit/format_values.h"
#include "stages/write-redis/write_redis.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "stream", .arg = "KEY", .doc = "The key of the stream.", .positional = true, .required = true},
        stream::kRedisServerOption,
        {.name = "payload",
         .arg = "FIELD",
         .doc = "Write each row as a message in this field; not set: each column becomes a field."},
        {.name = "format",
         .arg = "FORMAT",
         .doc =
             "Format of what 'payload' holds: JSON; CSV without a header; text, the value of the only column; avro, a "
             "record of the columns; not set: json.",
         .kind = OptionKind::kChoice,
         .choices = "json|ndjson|csv|text|avro"},
        stream::kMessageDelimiterOption,
        stream::kAvroFramingOption,
        stream::kAvroSchemaIdOption,
        {.name = "maxlen",
         .arg = "N",
         .doc = "Remove the oldest entries beyond about so many (MAXLEN ~).",
         .kind = OptionKind::kInteger},
        stream::kRedisUserOption,
        stream::kRedisPasswordOption,
    }),
    stream::kTlsOptions,
    stream::own_options({
        stream::kRedisPatienceOption,
    }));

constexpr stream::Example kExamples[] = {
    {"stream run \"generate --rows 1000 --columns 'n, random % 10 as k' | write-redis made\"",
     "Adds a thousand entries, each once, whatever is killed."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-redis",
    .summary = "write rows as entries of a Redis stream",
    .description =
        "Each row becomes an entry (XADD). A column is a field, its value as text; NULL is no field, and a row of "
        "NULLs alone has its first field, empty. A stream of changes gets a first field _op: +I, -U, +U or -D.\n\n"
        "In a job each entry is added exactly once: rows wait in the checkpoint, and when it is complete all of them "
        "are added in one transaction, so others see all of them or none. The transaction also notes, in a sorted set "
        "KEY:stream_commits:RUN:STAGE, which checkpoint it holds, and is not done a second time. The set keeps 1,000 "
        "checkpoints; it, and the keys that begin with its name, can be deleted when the job is gone for good. By "
        "hand, entries are added when no more input waits.\n\n"
        "This holds as far as the server keeps what it has answered: with 'appendonly yes' and 'appendfsync always' "
        "through any crash; with 'everysec' one of the machine may lose the last second, with snapshots alone all "
        "since "
        "the last; a replica that takes over may miss what was not yet copied. What is lost there is not added again. "
        "It needs one server, not a cluster.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_write_redis,
    .make_sink = stream::WriteRedis::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
