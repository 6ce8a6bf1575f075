// stream-print: shows rows on standard output.
#include "stages/print/print.h"

namespace {

constexpr stream::Option kOptions[] = {
    {.name = "format",
     .arg = "FORMAT",
     .doc = "What rows look like; default: a table on a terminal, else NDJSON.",
     .kind = stream::OptionKind::kChoice,
     .choices = "ndjson|table|csv"},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"host\":\"a\",\"ms\":7}\\n' | stream-print --format table",
     "Prints a header `host  ms` and one row below it.",
     R"(host  ms
----  --
a      7
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "print",
    .summary = "show rows on standard output",
    .description =
        "Prints every row at once: when no more input waits, and no later than 50 ms after it came while input "
        "goes on. A stream of changes gets a first field `_op`: +I, -U, +U or -D.\n\n"
        "Under `stream run` the standard output is that of the command in the foreground, or the log with "
        "--detach. What was printed cannot be taken back, so rows may be printed again after a crash.",
    .kind = stream::StageKind::kSink,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_print,
    .make_sink = stream::Print::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
