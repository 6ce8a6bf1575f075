// stream-filter: passes on the rows for which a condition is true.
#include "stages/filter/filter.h"

namespace {

constexpr stream::Option kOptions[] = {
    {.name = "where",
     .arg = "CONDITION",
     .doc = "SQL condition; rows for which it is false or NULL are dropped.",
     .kind = stream::OptionKind::kExpression,
     .positional = true,
     .required = true},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"status\":200}\\n{\"status\":503}\\n' | stream-filter 'status >= 500'",
     "Prints only the second line, byte for byte as it came.",
     R"({"status":503}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "filter",
    .summary = "pass on the rows for which a condition is true",
    .description =
        "Drops every row for which the condition is false or NULL. Keeps no state. A condition that "
        "cannot fail is evaluated by the stage in front, so that dropped rows never travel.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .passes_lines = true,
    .plan = stream::plan_filter,
    .make_operator = stream::Filter::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
