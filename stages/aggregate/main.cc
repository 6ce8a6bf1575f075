// stream-aggregate: counts, sums, quantiles, lists and the like per group, for ever or per window.
#include "stages/aggregate/make.h"
#include "stages/kit/example_files.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "compute",
     .arg = "SELECT",
     .doc = "SQL select list over aggregates: count, sum, min, max, avg, stddev, median, … (see below).",
     .kind = OptionKind::kSelect,
     .positional = true,
     .required = true},
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Columns whose values make a group; not set: all rows are one.",
     .kind = OptionKind::kColumns},
    {.name = "window",
     .arg = "WINDOW",
     .doc = "Group by event time too: 'tumble 1m', 'hop 5m every 1m', 'cumulate 1d every 1h' or 'session 30m'; or by "
            "number: 'count 100'.",
     .kind = OptionKind::kWindow},
    {.name = "lateness",
     .arg = "DURATION",
     .doc = "How long a window is kept for late rows after its first result.",
     .kind = OptionKind::kDuration,
     .fallback = "0s"},
    {.name = "early",
     .arg = "DURATION",
     .doc = "Show windows before they end as well, as far as they have come, so often by the clock.",
     .kind = OptionKind::kDuration},
    {.name = "ttl",
     .arg = "DURATION",
     .doc = "Without a window of time: how long a group that no row comes for is known; not set: for ever.",
     .kind = OptionKind::kDuration},
    {.name = "zone", .arg = "ZONE", .doc = "Time zone windows align to: an IANA name or local.", .fallback = "UTC"},
    {.name = "clock",
     .arg = "CLOCK",
     .doc = "What windows, and the age of groups, go by: the time in the rows, or the time at which they come.",
     .kind = OptionKind::kChoice,
     .fallback = "event",
     .choices = "event|processing"},
    {.name = "emit",
     .arg = "WHAT",
     .doc = "Without a window: every change, or each group once at the end of the input; not set: updates in a job, "
            "else final.",
     .kind = OptionKind::kChoice,
     .choices = "updates|final"},
    {.name = "combine",
     .arg = "WHEN",
     .doc = "In a job, add up rows of one group before they are sent to its instance: where that is sure to help, "
            "wherever rows are spread, or never.",
     .kind = OptionKind::kChoice,
     .fallback = "auto",
     .choices = "auto|always|never"},
    {.name = "phase",
     .arg = "PHASE",
     .doc =
         "Stages wired by hand: give partial rows to another aggregate, or merge those of one; not set: both in one.",
     .kind = OptionKind::kChoice,
     .choices = "partial|final"},
};

constexpr std::string_view kOutputs[] = {"late"};

constexpr stream::ExampleFile kExampleFiles[] = {stream::kAccessLog,
                                                 {"bids.ndjson", R"({"ts":"2026-01-31T12:00:01Z","item":7}
{"ts":"2026-01-31T12:00:02Z","item":7}
{"ts":"2026-01-31T12:00:05Z","item":9}
)"}};

constexpr stream::Example kExamples[] = {
    {"stream-aggregate --by host 'count(*) as hits, avg(ms) as mean' < access.ndjson",
     "Prints one line a host when the input has ended.",
     R"({"host":"b","hits":1,"mean":950}
{"host":"a","hits":3,"mean":37.666666666666664}
)"},
    {"stream-aggregate --time ts --window 'tumble 1m' 'count(*) filter (where status >= 500) as errors' < "
     "access.ndjson",
     "Prints one line a minute, with window_start and window_end.",
     R"({"window_start":"2026-01-31T12:00:00Z","window_end":"2026-01-31T12:01:00Z","errors":2}
{"window_start":"2026-01-31T12:50:00Z","window_end":"2026-01-31T12:51:00Z","errors":0}
)"},
    {"stream-aggregate --time ts --by item --window 'hop 10s every 2s' 'count(*) as bids' < bids.ndjson",
     "Every two seconds prints the bids of the last ten, one line an item.",
     R"({"item":7,"window_start":"2026-01-31T11:59:52Z","window_end":"2026-01-31T12:00:02Z","bids":1}
{"item":7,"window_start":"2026-01-31T11:59:54Z","window_end":"2026-01-31T12:00:04Z","bids":2}
{"item":7,"window_start":"2026-01-31T11:59:56Z","window_end":"2026-01-31T12:00:06Z","bids":2}
{"item":9,"window_start":"2026-01-31T11:59:56Z","window_end":"2026-01-31T12:00:06Z","bids":1}
...
)"},
    {"stream-aggregate --by host 'approx_quantile(ms, 0.99) as p99, stddev(ms), approx_count_distinct(path) as paths' "
     "< access.ndjson",
     "Prints the slowest hundredth, how far times differ, and about how many paths there are.",
     R"({"host":"b","p99":944.0492576839334,"stddev":null,"paths":1}
{"host":"a","p99":70.11183939140267,"stddev":29.569128044860122,"paths":2}
)"},
    {"stream-aggregate --time ts --by visitor --window 'session 30m' 'count(*) as pages' < access.ndjson",
     "Prints one line a visit.",
     R"({"visitor":"bob","window_start":"2026-01-31T12:00:01Z","window_end":"2026-01-31T12:30:01Z","pages":1}
{"visitor":"ann","window_start":"2026-01-31T12:00:01Z","window_end":"2026-01-31T12:30:40Z","pages":2}
{"visitor":"ann","window_start":"2026-01-31T12:50:00Z","window_end":"2026-01-31T13:20:00Z","pages":1}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "aggregate",
    .summary = "count, sum, average, quantile, list and more per group or window",
    .description =
        "Computes aggregates of each group of rows, each with FILTER (WHERE …) where it is wanted; the list may "
        "combine them: sum(ms) / count(*) as mean. They are:\n\n"
        "count(*), count(x), sum(x), avg(x), min(x), max(x); stddev(x) and variance(x) of a sample, stddev_pop(x) and "
        "var_pop(x) of all; bool_and(x), bool_or(x).\n\n"
        "first(x), last(x): of the row that is first or last in event time, or comes so where rows have none. "
        "any_value(x).\n\n"
        "median(x), exact; approx_quantile(x, 0.99), off by 1 % at most; approx_count_distinct(x), with a standard "
        "error of 1.6 %.\n\n"
        "string_agg(x, ', '), json_agg(x) and json_object_agg(key, x): lists of up to 1 MiB, in the order of event "
        "time, or as rows come where they have none.\n\n"
        "count, sum, avg, stddev, variance, median, string_agg and json_agg take DISTINCT. stream-expression(7) says "
        "what each gives, what it keeps as state, and what it does where input rows may be taken back.\n\n"
        "Without a window the result is a table that changes: in a job every batch of input emits the groups it "
        "changed. With a window of event time each group has one row a window, with window_start and window_end, "
        "emitted when event time has reached the window's end:\n\n"
        "tumble 1m: one window after the other.\n\n"
        "hop 5m every 1m: a window of five minutes begins every minute. Windows that overlap share their state: a row "
        "costs the same however many it belongs to.\n\n"
        "cumulate 1d every 1h: windows of a day, shown every hour as far as they have come. Those of a day share "
        "their window_start, so window_end is part of the key.\n\n"
        "session 30m: rows less than 30 minutes apart are one window, which ends that long behind the last of them. "
        "Its end is the event time of the result.\n\n"
        "count 100: every hundred rows of a group, in the order they come, give one row, without window_start and "
        "window_end. It needs no event time and has no key; what is left at the end of the input is not emitted.\n\n"
        "A row that comes late still changes the result of a tumbling, hopping or cumulating window for as long as "
        "`lateness` says; rows later than that, and those that no open session takes, go to the output `late`, and "
        "where nothing reads it are dropped with a warning; `stream stats` counts them. Windows of whole days, and "
        "those that divide a day, align to `zone`.\n\n"
        "With `early` the windows that have not ended are emitted too, every so often by the clock of the machine, and "
        "taken back when they have changed or were shown for the last time before their end: the result is a table "
        "that "
        "changes, and in the end the same as without. What has been shown is part of the state, in a table of its "
        "own.\n\n"
        "With `clock: processing` windows of time go by the clock of the machine: rows need no event time, none is "
        "late, and a window is emitted when its time is over, rows or no rows. Each row is counted once whatever "
        "happens, but after a crash those read again come later than the first time. The results have no event "
        "time.\n\n"
        "With `ttl` a group is forgotten when no row has come for it for so long: by event time where the input has "
        "it, else, and with `clock: processing`, by the clock of the machine. That is told to nobody: readers keep its "
        "last result. The next row begins the group anew, which readers see as an insertion under the same key: a "
        "table that is written by key gets the new result, what adds up rows adds it to the old one. A row that takes "
        "back another of a group that was forgotten is dropped, and counted as late. The age of a group is known to "
        "1/256 of `ttl`, and none is forgotten early; `ttl` may be another one each time the job is started. A window "
        "of so many rows that is forgotten is never emitted.\n\n"
        "NULLs are not counted, but json_agg() lists them; of nothing a count is 0 and everything else NULL. A row "
        "that "
        "makes a sum too large or a list too long is a bad record and changes nothing; where only slices or sessions "
        "together are too large, the result is one. Where input rows may be taken back, as behind another aggregate, "
        "results are as if those rows had never come; first, last and approx_count_distinct, which cannot tell, are "
        "refused.\n\n"
        "Where many rows have one key, one instance gets them all. With `combine: always` a stage in front of the hop, "
        "called as this one with -combine behind, adds up the rows of each group that an instance sends, and gives "
        "what "
        "they come to as one row: at every checkpoint, when event time ends a window, when it keeps 4096 groups, and "
        "after 20 ms. The busiest instance then has less to do, all of them together have a hop more. Where groups "
        "have "
        "few rows each, rows go on as they were. Results come to the same; sums of DOUBLE may differ in the last "
        "digit, "
        "and changes that follow each other quickly may come as one. Rows that came as one are one bad record where a "
        "sum leaves its range. The state is the same with and without, so a savepoint goes on either way.\n\n"
        "It needs several instances on one side at least, and an output `late` that nothing reads. DISTINCT, lists, "
        "median and approx_quantile, sessions, windows of so many rows, `clock: processing` and rows that may be taken "
        "back cannot be combined. Unless told to, that is only done where it is sure to help: where there is no `by` "
        "and "
        "no sum of DOUBLE, behind four instances or more.\n\n"
        "Stages wired by hand do the same with `phase`: those with `partial` give partial rows, those with `final`, "
        "and "
        "the same other options, merge them. A partial row has the columns of `by`, the start of its window or slice "
        "as "
        "its event time, and a column _partial_NAME for each column NAME of the state, with the same type; "
        "_partial_row_count says how many rows it stands for. A row that is judged behind the hop, as it may be late "
        "or "
        "bad, has its own columns, and NULL in those.\n\n"
        "The state is one table, named as the stage, whose columns are called as the results; of windows that "
        "overlap it has the slices they share. Lists, quantiles and DISTINCT have a table each besides, with a row a "
        "value "
        "of a group; so have min and max where rows may be taken back. Without a window and in tumbling ones all "
        "DISTINCT "
        "calls over the same argument share a table: count(distinct ms) as a and count(distinct ms) filter (where ok) "
        "as b "
        "have STAGE_distinct_ms, with the columns of the group, value, and a and b, which say who has counted it.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs = kOutputs,
    .examples = kExamples,
    .example_files = kExampleFiles,
    .plan = stream::plan_aggregate,
    .make_operator = stream::make_aggregate,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
