// stream-assign-time: event time for rows that come without.
#include "stages/assign-time/assign_time.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "time",
     .arg = "EXPRESSION",
     .doc = "The event time: a column, or a SQL expression.",
     .kind = OptionKind::kExpression,
     .positional = true,
     .required = true},
    {.name = "as",
     .arg = "NAME",
     .doc = "Name of the column of event time, behind the others; not set: it takes the place of the column."},
    {.name = "out-of-order",
     .arg = "DURATION",
     .doc = "How far event times may run behind the newest one of the same input channel.",
     .kind = OptionKind::kDuration,
     .fallback = "0s"},
    {.name = "idle",
     .arg = "DURATION",
     .doc = "After this long without a row an input channel no longer holds event time back; not set: never.",
     .kind = OptionKind::kDuration},
    {.name = "zone",
     .arg = "ZONE",
     .doc = "Time zone of text without an offset: an IANA name, or 'local'.",
     .fallback = "UTC"},
    {.name = "time-format",
     .arg = "FORMAT",
     .doc = "How text writes times, in strptime's terms (%d/%b/%Y:%H:%M:%S %z); not set: RFC 3339 / ISO 8601."},
    {.name = "time-unit",
     .arg = "UNIT",
     .doc = "Unit of times that are numbers.",
     .kind = OptionKind::kChoice,
     .choices = "s|ms|us|ns"},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"at\":1700000000}\\n{\"at\":1700000075}\\n' | stream-assign-time at --time-unit s",
     "Prints the two lines with times: {\"at\":\"2023-11-14T22:13:20Z\"} and {\"at\":\"2023-11-14T22:14:35Z\"}.",
     R"({"at":"2023-11-14T22:13:20Z"}
{"at":"2023-11-14T22:14:35Z"}
)"},
    {"stream run \"generate --rows 1000 'n, 1700000000000 + n * 20 as at' | assign-time at --time-unit ms "
     "--out-of-order 5s | aggregate --window 'tumble 10s' 'count(*) as n' | print\"",
     "Counts in windows of an event time that the source did not know.",
     R"({"window_start":"2023-11-14T22:13:20Z","window_end":"2023-11-14T22:13:30Z","n":500}
{"window_start":"2023-11-14T22:13:30Z","window_end":"2023-11-14T22:13:40Z","n":500}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "assign-time",
    .summary = "give rows their event time",
    .description =
        "Names the column that holds the event time, or computes it, and makes the watermarks: how far event time has "
        "come, "
        "the highest time so far less `out-of-order`. For a source that cannot tell its time itself, such as one whose "
        "time "
        "stands inside of a JSON column, and to go by another time from here on; what event time there was before ends "
        "here.\n\n"
        "A watermark is kept for each instance in front, as one may be far ahead of another: the lowest counts. The "
        "other "
        "instances' rows thus do not become late, and one that has no rows holds event time back, until `idle` or for "
        "ever. "
        "The watermarks are part of checkpoints.\n\n"
        "Text, dates and numbers with `time-unit` become TIMESTAMP. A row whose time is NULL or cannot be read is a "
        "bad "
        "record. Rows that are late for what has been promised pass on; it is windows that refuse them. The input's "
        "rows "
        "must not be taken back.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_assign_time,
    .make_operator = stream::AssignTime::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
