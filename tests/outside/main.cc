// stream-streak: how many rows in a row had the same value.
#include "streak.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Columns that make the key.",
     .kind = OptionKind::kColumns,
     .positional = true,
     .required = true},
    {.name = "of",
     .arg = "COLUMN",
     .doc = "Column whose value is compared.",
     .kind = OptionKind::kColumns,
     .required = true},
    {.name = "as", .arg = "NAME", .doc = "Name of the column with the count.", .fallback = "streak"},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"host\":\"a\",\"up\":1}\\n{\"host\":\"a\",\"up\":1}\\n' | stream-streak --of up host",
     "Counts 1, then 2."},
};

constexpr stream::StageProgram kProgram = {
    .name = "streak",
    .summary = "count how often a value came in a row",
    .description =
        "Adds a column: how many rows of the same key, this one included, have had the same value since it last "
        "changed.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = plan_streak,
    .make_operator = Streak::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
