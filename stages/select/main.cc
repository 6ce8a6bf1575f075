// stream-select: computes columns from the columns of each row.
#include "stages/select/select.h"

namespace {

constexpr stream::Option kOptions[] = {
    {.name = "columns",
     .arg = "SELECT",
     .doc = "SQL select list: what each row becomes; * stands for all columns.",
     .kind = stream::OptionKind::kSelect,
     .positional = true,
     .required = true},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"price\":3,\"qty\":4}\\n' | stream-select '*, price * qty as total'",
     "Prints {\"price\":3,\"qty\":4,\"total\":12}.",
     R"({"price":3,"qty":4,"total":12}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "select",
    .summary = "compute columns from the columns of each row",
    .description =
        "Gives one row for each row, with the columns of the list. Columns nobody reads are not computed. "
        "A row for which a column cannot be computed, as by a division by zero, is a bad record. The time "
        "column and the unique key are kept where the list has these very columns.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_select,
    .make_operator = stream::Select::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
