// stream-sample: passes on some of the rows.
#include "stages/sample/sample.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "fraction",
     .arg = "NUMBER",
     .doc = "How much of the rows to keep, from 0 to 1: 0.01 is one in a hundred.",
     .kind = OptionKind::kNumber,
     .positional = true},
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "With fraction: columns that choose; rows that are the same in them are all kept or all dropped. Not set: "
            "each row is chosen for itself.",
     .kind = OptionKind::kColumns},
    {.name = "every", .arg = "N", .doc = "Keep the first of every N rows instead.", .kind = OptionKind::kInteger},
    {.name = "first", .arg = "N", .doc = "Keep the first N rows instead.", .kind = OptionKind::kInteger},
    {.name = "seed",
     .arg = "N",
     .doc = "Another number chooses other rows.",
     .kind = OptionKind::kInteger,
     .fallback = "0"},
};

constexpr stream::Example kExamples[] = {
    {"seq 1000 | stream-sample --format text 0.01", "Prints about ten lines, the same ones each time.",
     R"(161
178
190
209
...
)"},
    {"printf '{\"user\":1,\"n\":1}\\n{\"user\":2,\"n\":2}\\n{\"user\":1,\"n\":3}\\n' | stream-sample 0.5 --by user",
     "Prints all lines of about half of the users.",
     R"({"user":2,"n":2}
)"},
    {"seq 10 | stream-sample --format text --every 4", "Prints 1, 5 and 9.",
     R"(1
5
9
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "sample",
    .summary = "pass on some of the rows",
    .description =
        "Keeps a fraction of the rows, one of every N, or the first N, unchanged.\n\n"
        "With `by` a hash of these columns chooses: the same keys are kept in every run, by every instance, and by "
        "another sample with the same `seed`, so that two streams that are joined later lose the same keys; a larger "
        "fraction keeps all that a smaller one does. Without it the place of a row in the stream chooses; how far it "
        "has come is part of the state, so a crash changes nothing. `first` goes on reading and dropping when it has "
        "its rows.\n\n"
        "With several instances, each counts for itself; `first` has one. Where input rows may be taken back, only a "
        "fraction with `by` works: what comes with a row takes it back.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .passes_lines = true,
    .plan = stream::plan_sample,
    .make_operator = stream::Sample::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
