#include "stages/kit/format_values.h"
#include "stages/write-kafka/write_kafka.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "topic", .arg = "NAME", .doc = "The topic to write to.", .positional = true, .required = true},
        stream::kKafkaServersOption,
        {.name = "key",
         .arg = "COLUMN",
         .doc = "Column whose value, as text, is the key of a message, so that rows of one key share a partition."},
        {.name = "partition",
         .arg = "COLUMN",
         .doc =
             "Column (BIGINT) with the partition to write to; where NULL, the key decides. It is not in the message."},
        {.name = "timestamp",
         .arg = "COLUMN",
         .doc =
             "Column (TIMESTAMP) with the time of a message, in milliseconds from 1970 on; where NULL, it is when it "
             "was written. It is not in the message."},
        {.name = "headers",
         .arg = "LIST",
         .doc = "Columns that become headers of a message, under their names, as text; they are not in the message.",
         .kind = OptionKind::kColumns},
        stream::kMessageOutputOption,
        stream::kMessageDelimiterOption,
        stream::kAvroFramingOption,
        stream::kAvroSchemaIdOption,
        {.name = "transactional-id",
         .arg = "TEXT",
         .doc = "Begins the names of transactions and of the groups that mark them; default: stream.JOB.STAGE."},
        stream::kKafkaSecurityOption,
        stream::kKafkaMechanismOption,
        stream::kKafkaUserOption,
        stream::kKafkaPasswordOption,
    }),
    stream::kTlsOptions,
    stream::own_options({
        stream::kKafkaPropertyOption,
        stream::kKafkaPatienceOption,
    }));

constexpr stream::Example kExamples[] = {
    {"stream run \"generate --rows 1000 --columns 'n, random % 10 as k' | write-kafka made --key k\"",
     "Writes a thousand messages, each once, whatever of the job is killed."},
    {"stream run \"generate --rows 3 --columns \\\"n, 'de' as country, to_timestamp(n) as at\\\" | write-kafka made "
     "--headers country --timestamp at\"",
     "The country goes into a header; the message has the time of the row."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-kafka",
    .summary = "write rows as messages to a Kafka topic",
    .description =
        "Each row becomes a message. In a job every message is written exactly once: rows wait in the checkpoint and "
        "are written when it is complete, those of an instance in one transaction. Consumers that read committed "
        "messages only see them all at once.\n\n"
        "A transaction that a process has begun cannot be ended by the next one, so none spans a checkpoint. Instead, "
        "each transaction also commits an offset, the number of the checkpoint, to a consumer group of the stage's "
        "own, stream.JOB.STAGE.INSTANCE: after a crash that mark says whether the messages are there. A process that "
        "was thought dead and still lives is shut out by its successor, which has the same transactional id; so two "
        "jobs of one name that write to one cluster from different homes need a transactional-id each.\n\n"
        "Brokers forget the offsets of a group after offsets.retention.minutes, a week unless changed; keep it above a "
        "day. A job that goes on more than a day after it died between a checkpoint and its transaction, and finds no "
        "mark, ends rather than write twice.\n\n"
        "What was committed is not taken back: a job that must fall back behind a checkpoint whose rows were written "
        "ends, and goes on with --accept-duplicates. A stream of changes gets a first field `_op`: +I, -U, +U or -D. "
        "By hand, messages are written when no more input waits, without transactions.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_write_kafka,
    .make_sink = stream::WriteKafka::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
