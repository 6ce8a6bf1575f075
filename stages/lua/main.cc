// stream-lua: a function of the user's for every row.
#include "stages/lua/lua.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "script",
     .arg = "PATH",
     .doc = "File with the script; it is read at each start of the stage.",
     .kind = OptionKind::kPath,
     .positional = true},
    {.name = "code", .arg = "LUA", .doc = "The script itself, instead of a file."},
    {.name = "schema",
     .arg = "COLUMNS",
     .doc = "Names and types of what the script emits, such as 'host varchar, n bigint'; not set: the columns of the "
            "input.",
     .kind = OptionKind::kSchema},
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "The key that state and timers belong to; rows with equal keys go to one instance, in order.",
     .kind = OptionKind::kColumns},
    {.name = "state",
     .arg = "COLUMNS",
     .doc = "Names and types of what is kept for each key, such as 'n bigint, last timestamp'.",
     .kind = OptionKind::kSchema},
    {.name = "entries",
     .arg = "COLUMNS",
     .doc = "Names and types of what is kept many times for each key, such as 'item varchar, n bigint': what names an "
            "entry, a VARCHAR, BIGINT or TIMESTAMP, then its values.",
     .kind = OptionKind::kSchema},
    {.name = "ttl",
     .arg = "DURATION",
     .doc = "The state or an entry of a key is forgotten when event time is so far past the row that wrote it last; "
            "not set: never.",
     .kind = OptionKind::kDuration},
    {.name = "trusted", .doc = "The script may use io, os, require and ffi as well.", .kind = OptionKind::kFlag},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"price\":3,\"qty\":2}\\n' | stream-lua --schema 'total bigint' --code 'function on_row(row, state, "
     "emit) emit(row.price * row.qty) end'",
     "Computes a column.",
     R"({"total":6}
)"},
    {"printf '{\"user\":\"a\"}\\n{\"user\":\"a\"}\\n' | stream-lua --by user --state 'n bigint' --schema 'user "
     "varchar, n bigint' --code 'function on_row(row, state, emit) state.n = (state.n or 0) + 1 emit{user = row.user, "
     "n = state.n} end'",
     "Numbers the rows of each user.",
     R"({"user":"a","n":1}
{"user":"a","n":2}
)"},
    {"printf '{\"k\":1,\"ts\":\"2024-01-01T00:00:00Z\"}\\n' | stream-lua --time ts --by k --schema 'k bigint, ts "
     "timestamp' --code 'function on_row(row) stream.timer(row.ts + stream.minute) end function on_timer(key, time, "
     "state, emit) emit(key.k, time) end'",
     "Tells of each row a minute later, in event time.",
     R"({"k":1,"ts":"2024-01-01T00:01:00Z"}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "lua",
    .summary = "run a Lua function for every row",
    .description =
        "Loads a script into LuaJIT and calls its function on_row(row, state, emit) for every row. It may define "
        "on_timer(key, time, state, emit) and on_alarm(key, time, state, emit), see below, and on_end(emit), called "
        "when the "
        "input has ended.\n\n"
        "row.NAME is the value of a column, nil for NULL; the names are in stream.columns. BOOLEAN is a boolean; "
        "BIGINT and "
        "DOUBLE are numbers (one of 2^53 or more is an int64_t, which LuaJIT computes with); VARCHAR, BLOB and JSON "
        "are "
        "strings; TIMESTAMP is a number of microseconds since 1970, and stream.second, .minute, .hour and .day are "
        "numbers "
        "of microseconds; DATE is a number of days; DECIMAL and INTERVAL are strings. A row is only valid in the "
        "call.\n\n"
        "emit{NAME = value, …} gives a row; what is not named is NULL. emit(value, …) gives the values in the order "
        "of `schema`, which is faster. Both take what row gives, and numbers for strings. emit(row) passes a row on. "
        "The column of the "
        "input's event time, where `schema` has it under the same name, is the event time of the results.\n\n"
        "state.NAME is what is kept for the row's key, the columns of `by`: nil until it is set, then part of every "
        "checkpoint and savepoint (the table has the name of the stage), and moved when the stage is rescaled. "
        "stream.forget() drops it and its entries; with `ttl` it goes by itself. What a script keeps in its own "
        "variables is lost with "
        "every "
        "restart.\n\n"
        "With `entries` a key also has any number of entries, in the table NAME_entries: stream.put(item, value, ...) "
        "sets "
        "one, stream.get(item) gives its values, or true where it has none, and nil where there is no such entry, "
        "stream.drop(item) drops it, and `for item, value, ... in stream.each() do` goes through them in order.\n\n"
        "stream.timer(time) calls on_timer for the row's key when the watermark has reached the time; "
        "stream.alarm(time) "
        "calls on_alarm when the wall clock has, which stream.now() reads. Timers of a key come in order of time; one "
        "that is set "
        "twice for one time comes once; one in the past comes with the next watermark. They are kept like state. At "
        "the end of the input all timers come; those set "
        "by then, and alarms, come no more. stream.watermark() is the watermark, nil before the first.\n\n"
        "stream.count(NAME, n) adds to a counter, by 1 without n, and stream.gauge(NAME, value) sets a gauge; "
        "stream.meter(NAME, n) says that something has happened n times, once without n, and gives its rate; "
        "stream.histogram(NAME, value) takes a value, and gives the spread of the newest 128. All are shown by "
        "`stream stats`. They begin anew with every start of the stage, and rows that come again after a "
        "crash are counted again.\n\n"
        "An error, raised by error() or by LuaJIT, makes the row a bad record with the line of the script as its "
        "reason; "
        "what the call emitted is dropped, what it changed in the state stays.\n\n"
        "After a crash rows come again from the last checkpoint. Results are exactly once all the same if the script "
        "is deterministic: if it depends on nothing but rows, state, keys and times. math.random, stream.now, pairs "
        "over tables of its "
        "own, and variables that outlive a call are not.\n\n"
        "A script has Lua's basic functions, string, table, math, bit and coroutine; print writes to the log. Only a "
        "`trusted` one has "
        "io, os, require and ffi. This guards against accidents, not against an attacker. A call that runs longer than "
        "the "
        "job's heartbeats may be missing is taken for a hang, and the job restarts.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_lua,
    .make_operator = stream::Lua::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
