// stream-dedup: one row of each key.
#include "stages/dedup/dedup.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Columns that make rows the same.",
     .kind = OptionKind::kColumns,
     .positional = true,
     .required = true},
    {.name = "keep",
     .arg = "WHICH",
     .doc = "first gives the first row that comes of each key and drops the others; last keeps the result up to date "
            "with the row of the latest event time, or without event time the one that came last.",
     .kind = OptionKind::kChoice,
     .fallback = "first",
     .choices = "first|last"},
    {.name = "ttl",
     .arg = "DURATION",
     .doc = "How long after its event time a key is known; not set: for ever.",
     .kind = OptionKind::kDuration},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"id\":1,\"v\":3}\\n{\"id\":1,\"v\":5}\\n' | stream-dedup id", "Prints only the first row.",
     R"({"id":1,"v":3}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "dedup",
    .summary = "keep one row of each key",
    .description =
        "Drops rows whose key has been seen. With `keep` first a row goes on at once, or never, and only the keys are "
        "kept as state. With last all columns are, and a row that is no longer the latest is taken back; of two with "
        "one event time the one that came last is the latest.\n\n"
        "With `ttl` a key is forgotten once the watermark is so much past the event time of its row; a row that comes "
        "later is the first again.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_dedup,
    .make_operator = stream::Dedup::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
