// stream-route: sends each row to one of several outputs.
#include "stages/route/route.h"

namespace {

constexpr stream::Option kOptions[] = {
    {.name = "routes",
     .arg = "CONDITIONS",
     .doc = "Names of outputs with SQL conditions: in a manifest {big: paid > 100, rest: else}, as a flag "
            "'paid > 100 as big, true as rest'.",
     .kind = stream::OptionKind::kSelect,
     .positional = true,
     .required = true},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"n\":3}\\n{\"n\":30}\\n' | stream-route 'n > 10 as big'",
     "Prints only the first line: standard output is the output out, of rows that meet no condition.",
     R"({"n":3}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "route",
    .summary = "send each row to one of several outputs",
    .description =
        "A row goes to the first output whose condition is true for it; `else` is true for all that are left. Rows "
        "that meet none go to the main output. Behind it, `from: STAGE.NAME` reads one of the outputs.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs_option = "routes",
    .examples = kExamples,
    .plan = stream::plan_route,
    .make_operator = stream::Route::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
