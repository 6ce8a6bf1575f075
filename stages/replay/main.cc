// stream-replay: gives recorded rows again, with their changes and watermarks.
#include "stages/kit/format_values.h"
#include "stages/replay/replay.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "path",
         .arg = "PATH",
         .doc = "The recording, at most 64MiB: rows as JSON lines.",
         .kind = OptionKind::kPath,
         .positional = true,
         .required = true},
        {.name = "key",
         .arg = "LIST",
         .doc = "Columns that identify a row; not set: none are known to.",
         .kind = OptionKind::kColumns},
        {.name = "changes", .doc = "Rows may change, even if none in the recording does.", .kind = OptionKind::kFlag},
        stream::kLineFormatOption,
    }),
    stream::kTextValueOptions, stream::kRecordOptions);

constexpr stream::Example kExamples[] = {
    {"printf '%s\\n' '{\"_op\":\"+I\",\"host\":\"a\",\"n\":1}' '{\"_op\":\"-D\",\"host\":\"a\",\"n\":1}' > "
     "changes.ndjson; "
     "stream run \"replay changes.ndjson --key host | select 'host, n * 2 as twice' | print\"",
     "Feeds a row and its deletion to another stage.",
     R"({"_op":"+I","host":"a","twice":2}
{"_op":"-D","host":"a","twice":2}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "replay",
    .summary = "give recorded rows again, with changes and watermarks",
    .description =
        "Reads rows as print and write-file write them, with their changes, and gives them again one by one: to try a "
        "stage out with rows made up for it. 'stream test' feeds the rows of a test with it.\n\n"
        "A line is a row, a JSON object; its first field may be `_op`: +I, -U, +U or -D. "
        "`{\"_watermark\":\"2026-01-31T12:00:00Z\"}` says that event time has come so far; if there is any such line, "
        "only these move event time, else rows do, as everywhere. `{\"_text\":\"…\"}` is a record in the format of "
        "the options, for records that are bad or not JSON; of CSV without a header.\n\n"
        "Without a schema, the columns are found from the rows. Rows are slow: each travels by itself.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::plan_replay,
    .make_source = stream::make_replay,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
