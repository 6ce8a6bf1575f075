// stream-write-http: rows by HTTP POST.
#include "stages/kit/example_files.h"
#include "stages/kit/message_sink.h"
#include "stages/kit/tls_options.h"
#include "stages/write-http/write_http.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "url",
         .arg = "URL",
         .doc = "Where to post: http:// or https://.",
         .positional = true,
         .required = true},
        {.name = "format",
         .arg = "FORMAT",
         .doc = "ndjson, csv and text have a row a line; json is an array of objects, or with rows 1 the object alone.",
         .kind = OptionKind::kChoice,
         .fallback = "ndjson",
         .choices = "ndjson|json|csv|text"},
        stream::kMessageDelimiterOption,
        {.name = "rows",
         .arg = "N",
         .doc = "Rows of a request, at most.",
         .kind = OptionKind::kInteger,
         .fallback = "500"},
        {.name = "token",
         .arg = "SECRET",
         .doc = "Sent as the header 'Authorization: Bearer TOKEN'.",
         .kind = OptionKind::kSecret},
        {.name = "header", .arg = "TEXT", .doc = "A further header: 'Name: value'.", .repeated = true},
    }),
    stream::kTlsOptions,
    stream::own_options({
        {.name = "patience",
         .arg = "DURATION",
         .doc = "How long a request is tried again before the stage fails.",
         .kind = OptionKind::kDuration,
         .fallback = "1m"},
    }));

constexpr stream::ExampleFile kExampleFiles[] = {stream::kOrders};

constexpr stream::Example kExamples[] = {
    {"stream run \"read-file orders.ndjson --follow | filter 'amount > 1000' | write-http "
     "https://hooks.example.com/orders --format json --rows 1 --token env:HOOK_TOKEN\"",
     "Posts each large order as one JSON object."},
    {"stream run \"generate --rows 1000 'n' | write-http http://127.0.0.1:8080/events\"",
     "Posts a thousand rows, 500 at a time, as NDJSON; stream-listen takes such."},
};

constexpr stream::StageProgram kProgram = {
    .name = "write-http",
    .summary = "post rows to a web server",
    .description =
        "Posts the rows of a checkpoint once it is durable, in requests of at most `rows` rows, one after the other. A "
        "request is tried again when the connection fails, and for the answers 408, 425, 429 and 5xx, after 100 ms, "
        "then "
        "twice as long each time up to 10 s, or as long as the header Retry-After asks for. Any other answer but 2xx "
        "means that the server refuses the rows: the job ends and says why.\n\n"
        "Rows arrive at least once: an answer may be lost, and then the request is sent again. It always has the same "
        "rows and the same header Idempotency-Key (run, stage, instance, checkpoint and number), so that a server that "
        "takes each key once takes each row once. Outside of a job there is no key, and rows are posted as they "
        "come.\n\n"
        "Of a stream of changes each row says in _op what it is, and the first field is that.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .plan = stream::plan_write_http,
    .make_sink = stream::WriteHttp::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
