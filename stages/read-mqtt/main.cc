// stream-read-mqtt: the messages of an MQTT broker.
#include "stages/kit/format_values.h"
#include "stages/kit/tls_options.h"
#include "stages/read-mqtt/read_mqtt.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "topics",
         .arg = "TOPIC",
         .doc = "Topics to subscribe to; + stands for one level of a topic, # for all that follow.",
         .positional = true,
         .required = true,
         .repeated = true},
        {.name = "server",
         .arg = "URL",
         .doc = "Address of the broker, mqtt://HOST:PORT or mqtts://HOST:PORT (TLS).",
         .fallback = "mqtt://127.0.0.1:1883"},
        {.name = "qos",
         .arg = "QOS",
         .doc = "Quality of service to ask for: 2 exactly once, 1 at least once, 0 what comes through.",
         .kind = OptionKind::kChoice,
         .fallback = "2",
         .choices = "0|1|2"},
        {.name = "client-id", .arg = "ID", .doc = "The name of the session at the broker; not set: stream-JOB-STAGE."},
        {.name = "metadata",
         .arg = "LIST",
         .doc = "Columns about each message: topic, qos, retain (0 or 1) and received become _topic, _qos, …",
         .kind = OptionKind::kColumns},
        stream::kMessageFormatOption,
    }),
    stream::kTextValueOptions, stream::kRecordOptions, stream::kAvroMessageOptions,
    stream::own_options({
        {.name = "user", .arg = "NAME", .doc = "User name."},
        {.name = "password", .arg = "SECRET", .doc = "Password of the user.", .kind = OptionKind::kSecret},
    }),
    stream::kTlsOptions,
    stream::own_options({
        {.name = "patience",
         .arg = "DURATION",
         .doc = "How long the broker may be away before the stage fails, and is restarted.",
         .kind = OptionKind::kDuration,
         .fallback = "30s"},
    }));

constexpr stream::Example kExamples[] = {
    {"stream run \"read-mqtt 'home/+/temperature' --schema 'celsius double' --metadata topic | filter 'celsius > 30' | "
     "print\"",
     "Prints what is hot, of messages like {\"celsius\":180}"},
};

constexpr stream::StageProgram kProgram = {
    .name = "read-mqtt",
    .summary = "take the messages of an MQTT broker",
    .description =
        "Subscribes at a broker (MQTT 3.1.1). In a job each message is written to the job's folder and synced before "
        "the broker hears that it came, and read from there, so from then on it counts exactly once, whatever of the "
        "job is killed. The broker keeps the session under the client's id and sends what came while the job was away, "
        "as far as its limits go (mosquitto: max_queued_messages, 1,000, and persistence). Without a job nothing is "
        "kept.\n\n"
        "Between publisher and job holds the lower quality of service of the two sides. With 2 a message comes "
        "once, whatever of the job is killed: the ids of messages that are under way are kept too, so what the broker "
        "sends again is known. With 1 it "
        "may come twice where a connection or this stage died before the broker heard that it came: give messages an "
        "id, and put dedup behind. With 0 it may be lost.\n\n"
        "What happens when the broker itself dies is the broker's. One that is killed forgets what it had taken from "
        "publishers since it last saved its sessions (mosquitto: autosave_interval, 30 minutes unless set), so that is "
        "lost, and may send again what was taken from it since. One that is stopped in order may still send a message "
        "of QoS 2 twice: mosquitto 2.0, where a "
        "connection ends after it has released a message (PUBREL) and before it hears that this was taken (PUBCOMP), "
        "publishes the message anew when it has been started again, which MQTT forbids, under the same packet id. That "
        "id was free again, so a new message with the same text would look the same, and the stage lets it count: a "
        "message twice is better than one lost. Where that matters, put dedup behind.\n\n"
        "The schema must be given, but for text (a column line). Each message costs a sync of the disk, with QoS 2 "
        "two; "
        "while what has come cannot be written, or 512 MiB of it are not yet read, nothing more is taken, and the "
        "broker waits. The session stays at the broker when the job is gone: remove it there, as with mosquitto_sub -c "
        "-i ID -E and then without -c. A savepoint does not hold what has come and was not read yet; the job that goes "
        "on in the same folder finds it.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::mqtt::plan,
    .make_source = stream::mqtt::ReadMqtt::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
