#include "stages/kit/format_values.h"
#include "stages/write-nats/write_nats.h"

namespace {

constexpr auto kOptions = stream::options_of(stream::own_options({
                                                 {.name = "subject",
                                                  .arg = "SUBJECT",
                                                  .doc = "Subject of the messages; a JetStream stream must keep it.",
                                                  .positional = true,
                                                  .required = true},
                                                 stream::kNatsServersOption,
                                                 stream::kMessageOutputOption,
                                                 stream::kMessageDelimiterOption,
                                                 stream::kAvroFramingOption,
                                                 stream::kAvroSchemaIdOption,
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
    {"stream run \"generate --rows 1000 --columns 'n, random % 10 as k' | write-nats counts.made\"",
     "Publishes a thousand messages, each once, whatever of the job is killed."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-nats",
    .summary = "write rows as messages to a NATS JetStream stream",
    .description =
        "Each row becomes a message. In a job every message is stored exactly once: rows wait in the checkpoint, are "
        "published when it is complete, and carry the header Nats-Msg-Id with run, stage, instance, checkpoint and row "
        "number. JetStream knows no transactions, so they become visible one after the other.\n\n"
        "After a crash or a lost connection the stage looks through the headers of the stream, from where it had been "
        "when the checkpoint was prepared, and publishes what is missing; so it may be away for any time. Messages "
        "that were still on their way are told by the server, which drops a second one of the same id within the "
        "stream's duplicate window. A window of less than 10s is refused; the server's default of 2m is right.\n\n"
        "Where the stream has let messages go meanwhile, by its limits or because they are removed when acknowledged, "
        "only the duplicate window is left to tell: a stage that was away for longer, with a checkpoint not wholly "
        "published, ends the job rather than write a message twice.\n\n"
        "A stream of changes gets a first field `_op`: +I, -U, +U or -D. By hand, messages are published when no more "
        "input waits, and have no id.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_write_nats,
    .make_sink = stream::WriteNats::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
