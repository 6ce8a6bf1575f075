// stream-sort: rows in order of event time.
#include "stages/kit/example_files.h"
#include "stages/sort/sort.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "order",
     .arg = "ORDER",
     .doc = "What comes first of rows with one event time, as in `price desc, id`: columns, each with asc or desc and "
            "nulls "
            "first or nulls last; not set: the row that came first.",
     .positional = true},
    {.name = "by",
     .arg = "COLUMNS",
     .doc =
         "Columns whose values make a sequence; each is in order, and instances share them. Not set: all rows are one "
         "sequence.",
     .kind = OptionKind::kColumns},
};

constexpr std::string_view kOutputs[] = {"late"};

constexpr stream::ExampleFile kExampleFiles[] = {stream::kAccessLog};

constexpr stream::Example kExamples[] = {
    {"printf '{\"ts\":\"2024-01-01T00:00:02Z\",\"n\":2}\\n{\"ts\":\"2024-01-01T00:00:01Z\",\"n\":1}\\n' | stream-sort "
     "--time ts --out-of-order 10s",
     "Prints the second line first.",
     R"({"ts":"2024-01-01T00:00:01Z","n":1}
{"ts":"2024-01-01T00:00:02Z","n":2}
)"},
    {"stream run \"read-file access.ndjson --time ts --out-of-order 5s | sort 'host, status desc' | write-file "
     "sorted.ndjson\"; head -2 sorted.ndjson",
     "Puts the lines of a log in order, and those of one instant by host.",
     R"({"ts":"2026-01-31T12:00:01Z","host":"a","visitor":"ann","path":"/","status":200,"ms":12}
{"ts":"2026-01-31T12:00:01Z","host":"b","visitor":"bob","path":"/buy","status":503,"ms":950}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "sort",
    .summary = "put rows in order of event time",
    .description =
        "A row waits until event time has passed it, and goes on behind all earlier ones. How long that takes is what "
        "`out-of-order` says where event time is made; what comes later than that goes to the output `late`, and where "
        "nothing reads it is dropped with a warning; `stream stats` counts them. At the end of the input all rows have "
        "gone.\n\n"
        "Of several instances each is in order for itself, and so is what a stage behind gets of it; without `by` "
        "there is "
        "one. The rows that wait are the state, in a table named as the stage. A row without event time is a bad "
        "record. "
        "The input's rows must not be taken back.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs = kOutputs,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .plan = stream::plan_sort,
    .make_operator = stream::Sort::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
