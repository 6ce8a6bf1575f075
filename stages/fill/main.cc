// stream-fill: rows for gaps.
#include "stages/fill/fill.h"
#include "stages/kit/example_files.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "every",
     .arg = "DURATION",
     .doc = "The step of the grid: there is a row in each of them.",
     .kind = OptionKind::kDuration,
     .positional = true,
     .required = true},
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Columns whose values make a sequence of its own; not set: all rows are one.",
     .kind = OptionKind::kColumns},
    {.name = "for",
     .arg = "DURATION",
     .doc = "How long behind its last row a sequence is filled.",
     .kind = OptionKind::kDuration,
     .required = true},
    {.name = "with",
     .arg = "VALUES",
     .doc =
         "What the columns of a row that is made have: carry, the value of the row before; linear, one on the line to "
         "the "
         "next row; or a SQL constant. In a manifest {n: 0, price: carry}, as a flag '0 as n, carry as price'. Others "
         "have NULL.",
     .kind = OptionKind::kSelect},
    {.name = "zone", .arg = "ZONE", .doc = "Time zone the grid aligns to: an IANA name or local.", .fallback = "UTC"},
};

constexpr std::string_view kOutputs[] = {"late"};

constexpr stream::ExampleFile kExampleFiles[] = {stream::kAccessLog};

constexpr stream::Example kExamples[] = {
    {"printf '{\"ts\":\"2024-01-01T00:00:00Z\",\"t\":20}\\n{\"ts\":\"2024-01-01T00:03:00Z\",\"t\":26}\\n' | "
     "stream-fill 1m --for 10m --time ts --with 'linear as t'",
     "Prints four lines, with 20, 22, 24 and 26.",
     R"({"ts":"2024-01-01T00:00:00Z","t":20}
{"ts":"2024-01-01T00:01:00Z","t":22}
{"ts":"2024-01-01T00:02:00Z","t":24}
{"ts":"2024-01-01T00:03:00Z","t":26}
)"},
    {"stream run \"read-file access.ndjson --time ts | aggregate --by host --window 'tumble 10m' 'count(*) as hits' | "
     "fill 10m --by host --for 1h --with '0 as hits' | print\"",
     "Prints a line every ten minutes for each host, for an hour behind its last request.",
     R"({"host":"a","window_start":"2026-01-31T12:00:00Z","window_end":"2026-01-31T12:10:00Z","hits":2}
{"host":"b","window_start":"2026-01-31T12:00:00Z","window_end":"2026-01-31T12:10:00Z","hits":1}
{"host":"a","window_start":"2026-01-31T12:10:00Z","window_end":"2026-01-31T12:20:00Z","hits":0}
{"host":"a","window_start":"2026-01-31T12:20:00Z","window_end":"2026-01-31T12:30:00Z","hits":0}
...
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "fill",
    .summary = "make rows for gaps",
    .description =
        "Each sequence of rows has a grid of event time, in steps of `every` from midnight; where it has no row within "
        "a "
        "step, one is made, with the start of the step as its event time. It begins with the first row of a sequence, "
        "and "
        "goes on until `for` behind the last one, also at the end of the input; a row that comes later begins anew. "
        "Rows "
        "that came pass unchanged, in order of event time, when event time has passed them, and a row is made when its "
        "step "
        "has ended. What comes later than that goes to the output `late`.\n\n"
        "Behind an aggregate with windows, `every` is the window and `by` the same: window_start and window_end of a "
        "row "
        "that is made are those of the window that had no rows.\n\n"
        "With linear in `with`, of DOUBLE or BIGINT columns, a gap is filled when its end has come, and one longer "
        "than `for` "
        "stays, as does what follows the last row; event time behind the stage is `for` later.\n\n"
        "The state has two tables: named as the stage, what is known of each sequence; and the rows that wait for "
        "event "
        "time. The input's rows must not be taken back.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs = kOutputs,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .plan = stream::plan_fill,
    .make_operator = stream::Fill::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
