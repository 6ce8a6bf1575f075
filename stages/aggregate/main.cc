// stream-aggregate: counts, sums, minima, maxima and averages per group, for ever or per window.
#include "stages/aggregate/make.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "compute",
     .arg = "SELECT",
     .doc = "SQL select list over count, sum, min, max and avg.",
     .kind = OptionKind::kSelect,
     .positional = true,
     .required = true},
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Columns whose values make a group; not set: all rows are one.",
     .kind = OptionKind::kColumns},
    {.name = "window",
     .arg = "WINDOW",
     .doc = "Group by event time too: 'tumble 1m', 'hop 5m every 1m', 'cumulate 1d every 1h' or 'session 30m'.",
     .kind = OptionKind::kWindow},
    {.name = "lateness",
     .arg = "DURATION",
     .doc = "How long a window is kept for late rows after its first result.",
     .kind = OptionKind::kDuration,
     .fallback = "0s"},
    {.name = "zone", .arg = "ZONE", .doc = "Time zone windows align to: an IANA name or local.", .fallback = "UTC"},
    {.name = "emit",
     .arg = "WHAT",
     .doc = "Without a window: every change, or each group once at the end of the input; not set: updates in a job, "
            "else final.",
     .kind = OptionKind::kChoice,
     .choices = "updates|final"},
};

constexpr std::string_view kOutputs[] = {"late"};

constexpr stream::Example kExamples[] = {
    {"stream-aggregate --by host 'count(*) as hits, avg(ms) as mean' < access.ndjson",
     "Prints one line a host when the input has ended."},
    {"stream-aggregate --time ts --window 'tumble 1m' 'count(*) filter (where status >= 500) as errors' < "
     "access.ndjson",
     "Prints one line a minute, with window_start and window_end."},
    {"stream-aggregate --time ts --by item --window 'hop 10s every 2s' 'count(*) as bids' < bids.ndjson",
     "Every two seconds prints the bids of the last ten, one line an item."},
};

constexpr stream::StageProgram kProgram = {
    .name = "aggregate",
    .summary = "count, sum, minimum, maximum and average per group or window",
    .description =
        "Computes count, sum, min, max and avg, with DISTINCT and FILTER (WHERE …), of each group of rows; the list "
        "may combine them: sum(ms) / count(*) as mean.\n\n"
        "Without a window the result is a table that changes: in a job every batch of input emits the groups it "
        "changed. With a window each group has one row a window, with window_start and window_end, emitted when event "
        "time has reached the window's end. 'tumble 1m': one window after the other. 'hop 5m every 1m': a window of "
        "five "
        "minutes begins every minute. 'cumulate 1d every 1h': the windows of a day, shown every hour as far as they "
        "have come; they share their window_start, so window_end belongs to the key. 'session 30m': rows less than 30 "
        "minutes apart are one window, which ends that long behind its last row; it is "
        "emitted then, and takes no rows later. Windows that overlap are made of "
        "slices they share: a row costs the same however many windows it is in. A row that comes later still changes "
        "the result for as long as "
        "`lateness` says; rows later than that go to the output "
        "`late`, and where nothing reads it are dropped with a warning; `stream stats` counts them.\n\n"
        "NULLs are not counted; the sum, minimum, maximum and average of nothing are NULL. A row that makes a sum too "
        "large is a bad record and changes nothing; where only slices together are too large, the window's result is "
        "one. "
        "Where input rows may be taken back, as behind another "
        "aggregate, count, sum and avg follow; min, max and DISTINCT cannot.\n\n"
        "The state is one table, named as the stage, whose columns are called as the results; windows that overlap "
        "keep their slices in it.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs = kOutputs,
    .examples = kExamples,
    .plan = stream::plan_aggregate,
    .make_operator = stream::make_aggregate,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
