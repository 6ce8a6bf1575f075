// stream-throttle: at most so many rows a second.
#include "stages/throttle/throttle.h"

namespace {

constexpr stream::Option kOptions[] = {
    {.name = "rate",
     .arg = "NUMBER",
     .doc = "Rows a second, of all instances together; 0.1 is one in ten seconds.",
     .kind = stream::OptionKind::kNumber,
     .positional = true,
     .required = true},
};

constexpr stream::Example kExamples[] = {
    {"seq 5 | stream-throttle --format text 10", "Prints ten lines a second, byte for byte as they came.",
     R"(1
2
3
4
5
)"},
    {"stream run \"generate --rows 20 'n' | throttle 40 | print\"", "Takes half a second.",
     R"({"n":0}
{"n":1}
{"n":2}
{"n":3}
...
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "throttle",
    .summary = "let at most so many rows a second go on",
    .description =
        "Passes rows on unchanged, in their order, no faster than `rate`; what comes faster waits, and soon the stages "
        "in "
        "front wait too. After a pause a tenth of a second's rows go at once. Event time waits with the rows, so none "
        "becomes late.\n\n"
        "Several instances share the rate in equal parts. Where input rows may be taken back there is one instance.\n\n"
        "The rows that wait when a checkpoint is made are its state: checkpoints do not wait for them, and after a "
        "crash "
        "none is lost and none comes twice.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .passes_lines = true,
    .plan = stream::plan_throttle,
    .make_operator = stream::Throttle::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
