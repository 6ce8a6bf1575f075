// stream-exec: rows through any program.
#include "stages/exec/exec.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "command",
     .arg = "COMMAND",
     .doc = "What to run: a text is given to sh -c; in a manifest also a list, a program and its arguments.",
     .kind = OptionKind::kCommand,
     .positional = true,
     .required = true,
     .repeated = true},
    {.name = "mode",
     .arg = "MODE",
     .doc =
         "batch runs the program once for each lot of rows; line and barrier keep it running, and it answers each row "
         "with one line, or any number of rows with any number of lines before it echoes a barrier.",
     .kind = OptionKind::kChoice,
     .fallback = "batch",
     .choices = "batch|line|barrier"},
    {.name = "format",
     .arg = "FORMAT",
     .doc = "What the program reads and writes, a row a line; CSV without names, text is the one column 'line'.",
     .kind = OptionKind::kChoice,
     .fallback = "ndjson",
     .choices = "ndjson|csv|tsv|text"},
    {.name = "schema",
     .arg = "COLUMNS",
     .doc = "Names and types of what the program writes, such as 'host varchar, n bigint'; not set: the columns of the "
            "input, for text 'line varchar'.",
     .kind = OptionKind::kSchema},
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Rows that are equal in these columns go to the same instance, for a program that remembers.",
     .kind = OptionKind::kColumns},
    {.name = "timeout",
     .arg = "DURATION",
     .doc = "A program that neither reads nor writes for so long, while it owes answers, is killed and started again.",
     .kind = OptionKind::kDuration,
     .fallback = "60s"},
    {.name = "attempts",
     .arg = "N",
     .doc = "The stage fails when the program has died so often in a row on the same rows.",
     .kind = OptionKind::kInteger,
     .fallback = "5"},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"n\":1}\\n{\"n\":5}\\n' | stream-exec \"awk '/5/'\"", "Passes the rows that a program passes.",
     R"({"n":5}
)"},
    {"printf '{\"line\":\"one\"}\\n{\"line\":\"two\"}\\n' | stream-exec --format text --mode line 'sed -u s/o/0/g'",
     "Keeps one sed running and gives it a column as plain lines.",
     R"({"line":"0ne"}
{"line":"tw0"}
)"},
    {"printf '{\"n\":1}\\n{\"n\":2}\\n' | stream-exec --format csv --schema 'n bigint, tens bigint' 'sed "
     "s/.*/\\&,\\&0/'",
     "Computes a column with sed.",
     R"({"n":1,"tens":10}
{"n":2,"tens":20}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "exec",
    .summary = "send rows through any program",
    .description =
        "Gives rows to a program, as lines on its standard input, and takes the lines of its standard output as rows. "
        "It runs in the manifest's folder, by hand in the current one, and finds STREAM_JOB, STREAM_STAGE, "
        "STREAM_INSTANCE and STREAM_PARALLELISM in its environment. What it writes to standard error goes to the "
        "stage's log.\n\n"
        "In mode batch, for any program that needs no memory of earlier rows (jq, awk, sort), one process is started "
        "for each lot of rows: it reads them to the end of its input, and its results count when it has ended with "
        "exit status 0. While it works the next rows gather, so lots grow with the load. A program whose exit status "
        "says something else needs a shell around it: 'grep error || test $? = 1'.\n\n"
        "In mode line one process keeps running and answers every line with exactly one line, in order; an empty line "
        "is "
        "an answer without a row. A line too many ends the job, a missing one is noticed after `timeout`. In mode "
        "barrier it may answer with any number of lines, at any time; after each lot it gets a line {\"_barrier\": n} "
        "and echoes it when it has written all answers to what came before. Both kinds must write at once and not when "
        "a buffer is full: sed -u, jq --unbuffered, python3 -u, awk with fflush(), stdbuf -oL.\n\n"
        "No checkpoint is made while rows are with the program, so nothing is lost or doubled whoever dies. When the "
        "program dies, a new one gets the rows that were not answered: in mode line those behind the last answer, in "
        "the "
        "others the whole lot, of which nothing has gone on yet. What a program remembers is not part of a "
        "checkpoint: in a new process, after its own death or the job's, it begins without memory and "
        "sees only the rows since. One whose answers depend on earlier rows must keep what it needs in a place of its "
        "own, "
        "written before it answers, and bear to see the rows since the last checkpoint again; better, use "
        "stream-lua.\n\n"
        "An answer that is not a row of the schema is a bad record. The column of the input's event time, where the "
        "answers have it under the same name, is their event time; it should not run behind that of the rows they "
        "answer.\n\n"
        "A program counts for `stream stats` by lines on standard error: {\"_counter\": \"hits\", \"add\": 2} adds to "
        "a counter, by 1 without `add`, and {\"_gauge\": \"queue\", \"value\": 7.5} sets a gauge; "
        "{\"_meter\": \"misses\", \"events\": 2}, 1 without `events`, says that something has happened and gives its "
        "rate, and {\"_histogram\": \"took\", \"value\": 7.5} gives the spread of the newest 128 values. They begin "
        "anew with "
        "every start of the stage, and rows that are given again are counted again.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_exec,
    .make_operator = stream::Exec::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
