#include "stages/kit/format_values.h"
#include "stages/read-kafka/read_kafka.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "topic",
         .arg = "LIST",
         .doc = "Topics to read.",
         .positional = true,
         .required = true,
         .repeated = true},
        stream::kKafkaServersOption,
        stream::kStartOption,
        stream::kStopAtEndOption,
        {.name = "isolation",
         .arg = "LEVEL",
         .doc = "Whether messages of transactions are read before these are committed.",
         .kind = OptionKind::kChoice,
         .fallback = "read_committed",
         .choices = "read_committed|read_uncommitted"},
        {.name = "discover-every",
         .arg = "DURATION",
         .doc = "How often to look for new partitions.",
         .kind = OptionKind::kDuration,
         .fallback = "10s"},
        {.name = "group",
         .arg = "NAME",
         .doc = "Group under which offsets are committed behind each checkpoint, for tools that watch it; never read."},
        {.name = "metadata",
         .arg = "LIST",
         .doc = "Columns about each message: topic, partition, offset, timestamp, key, headers become _topic, "
                "_partition, …; "
                "_headers is a JSON object of texts, of headers of one name the last.",
         .kind = OptionKind::kColumns},
        stream::kMessageFormatOption,
    }),
    stream::kTextValueOptions, stream::kRecordOptions,
    stream::own_options({
        stream::kChangesKeyOption,
    }),
    stream::kAvroMessageOptions,
    stream::own_options({
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
    {"stream run \"read-kafka orders --schema 'id bigint, total double' --stop-at-end | filter 'total > 100' | print\"",
     "Prints the large orders that the topic holds."},
    {"stream run \"read-kafka orders --metadata key,timestamp --time _timestamp --stop-at-end | "
     "aggregate --by _key --window 'tumble 1m' 'count(*) as n' | write-kafka counts --key _key\"",
     "Counts by key and minute, into another topic."},
};

constexpr stream::StageProgram kProgram = {
    .name = "read-kafka",
    .summary = "read the messages of Kafka topics",
    .description =
        "Reads topics partition by partition. The offset of the message to read next in each is part of every "
        "checkpoint, so each message counts exactly once, whatever is killed; no consumer group takes part. Which "
        "instance reads a partition follows from its number alone. Partitions that are added while the job runs are "
        "found, and read from their first message on.\n\n"
        "Of each message the records in it become rows: of JSON one, which may stand on several lines, of the other "
        "formats each line. A message without a value (a tombstone; not of debezium-json, which skips it), or whose "
        "key or headers are asked for and not UTF-8, is a "
        "bad record. Messages of transactions come when these are committed.\n\n"
        "What a topic's limits remove before it was read is reported as a bad record. A topic that was deleted and "
        "made anew ends the job when it has fewer messages than were read of it.\n\n"
        "Event time holds for each partition: the watermark is that of the slowest; use --idle where some may be "
        "silent. Without a schema, one is found in the first messages of each partition, up to 1 MiB of them, and kept "
        "for the life of the job. When the brokers go away, the stage waits for them, for as long as its patience.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::plan_read_kafka,
    .make_source = stream::ReadKafka::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
