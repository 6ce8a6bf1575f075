#include "stages/kit/format_values.h"
#include "stages/read-nats/read_nats.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "stream", .arg = "NAME", .doc = "The JetStream stream.", .positional = true, .required = true},
        {.name = "subject", .arg = "SUBJECT", .doc = "Only messages of this subject; * and > are wildcards."},
        stream::kNatsServersOption,
        stream::kStartOption,
        stream::kStopAtEndOption,
        {.name = "metadata",
         .arg = "LIST",
         .doc = "Columns about each message: subject, sequence, timestamp become _subject, _sequence, _timestamp.",
         .kind = OptionKind::kColumns},
        stream::kMessageFormatOption,
    }),
    stream::kTextValueOptions, stream::kRecordOptions,
    stream::own_options({
        stream::kChangesKeyOption,
    }),
    stream::kAvroMessageOptions,
    stream::own_options({
        stream::kNatsUserOption,
        stream::kNatsPasswordOption,
        stream::kNatsTokenOption,
        stream::kNatsCredentialsOption,
    }),
    stream::kTlsOptions,
    stream::own_options({
        stream::kNatsPatienceOption,
    }));

constexpr stream::Example kExamples[] = {
    {"stream run \"read-nats ORDERS --subject 'orders.eu.>' --schema 'id bigint, total double' --stop-at-end | "
     "filter 'total > 100' | print\"",
     "Prints the large orders that the stream holds."},
    {"stream run \"read-nats ORDERS --metadata timestamp --time _timestamp --stop-at-end | "
     "aggregate --window 'tumble 1m' 'count(*) as n' | write-nats counts.minute\"",
     "Counts by the minute in which the server got the messages."},
};

constexpr stream::StageProgram kProgram = {
    .name = "read-nats",
    .summary = "read the messages of a NATS JetStream stream",
    .description =
        "Reads a stream in the order of its sequence numbers. The number of the message to read next is part of every "
        "checkpoint, so each message counts exactly once, whatever is killed; the server keeps no durable consumer "
        "and is told nothing. Of each message the records in it become rows: of JSON one, which may stand on several "
        "lines, of the other formats each line.\n\n"
        "The stream must keep messages after they are read (retention by limits). What its limits remove before it "
        "was read is reported as a bad record. A stream that was deleted and made anew ends the job, as its numbers "
        "mean other messages.\n\n"
        "Without a schema, one is found in the first 10,000 messages, or 1 MiB of them, and kept for the life of the "
        "job. When the servers go away, the stage waits and connects again, for as long as its patience.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::plan_read_nats,
    .make_source = stream::ReadNats::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
