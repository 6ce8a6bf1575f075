// stream-join: joins rows of two inputs.
#include "stages/join/join.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "columns",
     .arg = "SELECT",
     .doc = "SQL select list over both inputs: a.x is column x of input a, a.* all of its columns.",
     .kind = OptionKind::kSelect,
     .positional = true,
     .required = true},
    {.name = "on",
     .arg = "CONDITION",
     .doc = "SQL condition that rows which belong together meet: at least one equality of two columns of one type.",
     .kind = OptionKind::kExpression,
     .required = true},
    {.name = "kind",
     .arg = "KIND",
     .doc = "left, right and full also give rows without a partner of the first, the second or either input, with "
            "NULLs in place of it.",
     .kind = OptionKind::kChoice,
     .fallback = "inner",
     .choices = "inner|left|right|full"},
    {.name = "ttl",
     .arg = "DURATION",
     .doc = "How long after its event time a row is kept, where the condition does not tell; for each input by its "
            "name, as in o=1h,p=30m, or for both; not set: for ever.",
     .kind = OptionKind::kDurations},
};

constexpr std::string_view kOutputs[] = {"late-left", "late-right"};

constexpr stream::Example kExamples[] = {
    {"stream-generate --rows 3 'n as id' --out ipc:///tmp/orders & "
     "stream-generate --rows 9 'n + 2 as order_id, n + 40 as amount' --out ipc:///tmp/payments & "
     "stream-join --in o=ipc:///tmp/orders --in p=ipc:///tmp/payments --on 'o.id = p.order_id' 'o.*, p.amount'",
     "Joins what two other stages send, wired by hand; in a manifest, from: {o: orders, p: payments}.",
     R"({"id":2,"amount":40}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "join",
    .summary = "join rows of two inputs",
    .description =
        "Gives one row for each pair of rows, one of either input, for which the condition is true, as JOIN of SQL "
        "does. Rows of both inputs are kept as state, so that it does not matter which comes first.\n\n"
        "Where the condition bounds the difference of the two event times, as in `p.ts between o.ts and o.ts + "
        "interval '10 minutes'`, or says that they are equal, as the starts of two windows, a row is dropped once the "
        "watermark shows that no partner can come any more. The result then has event time, that of the first input "
        "if the list has it, and with kind left, right or full a row without a partner is given when it is dropped. "
        "Rows that come behind the watermark go to the outputs late-left and late-right.\n\n"
        "Without such bounds rows are kept for ever, or for `ttl`: the rows of each input are a state table, and a "
        "map, in "
        "a manifest `ttl: {o: 1h, p: 30m}`, says it of each; an input that it leaves out is kept for ever. What is let "
        "go is told to nobody: results stay, and what takes back such a row finds nothing to take back. With kind "
        "left, right or full a row without a "
        "partner is given at once, and taken back when a partner comes. Inputs whose rows may be taken back, such as "
        "updating aggregates, are joined too: what they take back is taken back of the result.\n\n"
        "NULL is equal to nothing. Whatever the condition says beyond equalities of columns is any SQL condition over "
        "both inputs.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs = kOutputs,
    .inputs_max = 2,
    .examples = kExamples,
    .plan = stream::plan_join,
    .make_operator = stream::Join::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
