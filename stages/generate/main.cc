// stream-generate: makes up rows, reproducibly.
#include "stages/generate/generate.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "columns",
     .arg = "SELECT",
     .doc = "SQL select list over n, random and uniform.",
     .kind = OptionKind::kSelect,
     .fallback = "n, random",
     .positional = true},
    {.name = "rows", .arg = "N", .doc = "How many rows in all; not set: for ever.", .kind = OptionKind::kInteger},
    {.name = "rate",
     .arg = "N",
     .doc = "Rows a second in all; not set: as fast as possible.",
     .kind = OptionKind::kInteger},
    {.name = "seed",
     .arg = "N",
     .doc = "The same seed gives the same rows.",
     .kind = OptionKind::kInteger,
     .fallback = "1"},
};

constexpr stream::Example kExamples[] = {
    {"stream-generate --rows 3 'n, random % 6 + 1 as dice'", "Prints three throws of a die, the same each time."},
};

constexpr stream::StageProgram kProgram = {
    .name = "generate",
    .summary = "make up rows, reproducibly",
    .description =
        "Each row has a number n, counted from 0, a random BIGINT of 63 bits, random, and a random DOUBLE "
        "from 0 to 1, uniform; the columns are SQL expressions over these. The same seed gives the same "
        "rows whatever the parallelism, and after a restart the stream goes on where the checkpoint was.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::plan_generate,
    .make_source = stream::Generate::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
