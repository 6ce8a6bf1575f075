// stream-top-n: the first rows of each group in an order.
#include "stages/top-n/top_n.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Columns whose values make a group; not set: all rows are one.",
     .kind = OptionKind::kColumns,
     .positional = true},
    {.name = "order",
     .arg = "ORDER",
     .doc = "What comes first, as in `price desc, ts`: columns, each with asc or desc and nulls first or nulls last; "
            "of equal rows the one that came first.",
     .required = true},
    {.name = "limit",
     .arg = "N",
     .doc = "How many rows of each group.",
     .kind = OptionKind::kInteger,
     .fallback = "10"},
    {.name = "ttl",
     .arg = "DURATION",
     .doc = "How long a group that no row comes for is known; not set: for ever.",
     .kind = OptionKind::kDuration},
    {.name = "rank", .arg = "NAME", .doc = "Adds a column of this name with the rank, counted from 1."},
};

constexpr std::string_view kOutputs[] = {"late"};

constexpr stream::Example kExamples[] = {
    {"printf '{\"k\":1,\"v\":3}\\n{\"k\":1,\"v\":5}\\n{\"k\":2,\"v\":4}\\n' | stream-top-n --order 'v desc' --limit 1 "
     "k",
     "Prints the row with the largest v of each k.",
     R"({"k":1,"v":5}
{"k":2,"v":4}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "top-n",
    .summary = "keep the first rows of each group in an order",
    .description =
        "Ranks the rows of each group and gives those up to the limit. The result is kept up to date: a row that is "
        "pushed out is taken back, and with `rank` the ranks of those behind it change. Changes within one batch are "
        "told together. Where rows of the input may be taken back all of them are kept, for another may come up.\n\n"
        "If the columns of `by` include the event time, as window_start of an aggregate's windows, a group is complete "
        "once the watermark is past it: then it is given once, and forgotten. Rows that come later go to the output "
        "late.\n\n"
        "With `ttl` a group is forgotten, all of its rows, when no row has come for it for so long: by event time "
        "where the input has it, else by the clock of the machine. That is told to nobody: readers keep its last "
        "result. The next row begins the group anew and is first in it. A row that takes back one that was forgotten "
        "is dropped, and counted as late. When a group was touched is state of its own, in a table STAGE_touched, and "
        "known to 1/256 of `ttl`; no group is forgotten early.\n\n"
        "All columns of the input are kept as state; a select in front limits them.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs = kOutputs,
    .examples = kExamples,
    .plan = stream::plan_top_n,
    .make_operator = stream::TopN::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
