// stream-listen: records that others send.
#include "stages/kit/format_values.h"
#include "stages/listen/listen.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "address",
         .arg = "ADDRESS",
         .doc = "Where and what to listen for: http://HOST:PORT/PATH, tcp://HOST:PORT, udp://HOST:PORT, "
                "syslog+tcp://HOST:PORT or syslog+udp://HOST:PORT.",
         .positional = true,
         .required = true},
        {.name = "token",
         .arg = "SECRET",
         .doc = "HTTP: only requests with the header 'Authorization: Bearer TOKEN' are let in.",
         .kind = OptionKind::kSecret},
        {.name = "metadata",
         .arg = "LIST",
         .doc = "Columns about each record: peer and received become _peer (HOST:PORT) and _received (when it came).",
         .kind = OptionKind::kColumns},
        stream::kLineMessageFormatOption,
    }),
    stream::kTextValueOptions, stream::kRecordOptions,
    stream::own_options({
        stream::kChangesKeyOption,
    }));

constexpr stream::Example kExamples[] = {
    {"stream run \"listen http://127.0.0.1:8080/events --schema 'user varchar, amount bigint' | "
     "aggregate --by user 'sum(amount) as total' | write-sqlite totals.db --table totals\"",
     "Adds up what is posted: curl -d '{\"user\":\"ann\",\"amount\":3}' http://127.0.0.1:8080/events"},
    {"stream-listen tcp://127.0.0.1:9000 --format text | stream-filter \"line like '%ERROR%'\"",
     "Prints lines that another shell sends: tail -f app.log | nc 127.0.0.1 9000"},
    {"stream run \"listen syslog+udp://127.0.0.1:5514 | filter 'severity <= 3' | print\"",
     "Prints errors that are logged: logger --server 127.0.0.1 --port 5514 --udp --priority user.err disk on fire"},
};

constexpr stream::StageProgram kProgram = {
    .name = "listen",
    .summary = "take records that others send, by HTTP, TCP, UDP or syslog",
    .description =
        "Takes records at an address. In a job each is written to the job's folder and synced before its sender is "
        "answered, and read from there, so from then on it counts exactly once, whatever of the job is killed. Without "
        "a job nothing is kept.\n\n"
        "http: POST at the path of the address. The body has a record a line; of the type application/json it is one "
        "record, or an array of them. The answer is 200 with {\"records\": N} once they are durable. 503 means that "
        "they were not within 30 s, as the disk or the pipeline is behind, and 4xx what is wrong; a sender that gets "
        "no "
        "answer, or 503, sends again, and its records may come twice: give them an id, and put dedup behind. There is "
        "no "
        "TLS: put a proxy before it that has.\n\n"
        "tcp: lines. Nothing tells a sender what is durable: when this end is killed, what is in the connection is "
        "lost. "
        "udp: a datagram holds lines, and what finds no room is lost.\n\n"
        "syslog: messages of RFC 5424 and of RFC 3164, over TCP a line each or with their length before them. Their "
        "columns are facility, severity, ts, host, app, pid, message_id, data (structured data as JSON) and message; "
        "what is no such message is only a message. Times without a year get the year in which they come.\n\n"
        "While what has come cannot be written, or 512 MiB of it are not yet read, nothing more is taken: senders "
        "wait. The schema must be given, but for text (a column line) and syslog. A savepoint does not hold what has "
        "come and "
        "was not read yet; the job that goes on in the same folder finds it.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::listen::plan,
    .make_source = stream::listen::Listen::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
