// stream-generate: makes up rows, reproducibly.
#include "stages/generate/generate.h"
#include "stages/generate/nexmark.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "columns",
     .arg = "SELECT",
     .doc = "SQL select list over n, random and uniform.",
     .kind = OptionKind::kSelect,
     .fallback = stream::kColumnsFallback,
     .positional = true},
    {.name = "rows", .arg = "N", .doc = "How many rows in all; not set: for ever.", .kind = OptionKind::kInteger},
    {.name = "rate",
     .arg = "N",
     .doc = "Rows a second in all; not set: as fast as possible.",
     .kind = OptionKind::kInteger},
    {.name = "seed",
     .arg = "N",
     .doc = "The same seed gives the same rows.",
     .kind = OptionKind::kInteger,
     .fallback = "1"},
    {.name = "nexmark", .doc = "The events of the Nexmark benchmark instead of columns.", .kind = OptionKind::kFlag},
    {.name = "event-rate",
     .arg = "N",
     .doc = "Nexmark: events a second of event time; not set: 10000000, as in published figures, where windows hardly "
            "ever end.",
     .kind = OptionKind::kInteger},
    {.name = "shuffle",
     .arg = "N",
     .doc = "Nexmark: events come out of order within groups of N; not set: in order.",
     .kind = OptionKind::kInteger},
    {.name = "matching-bidders",
     .doc = "Nexmark: bidders are persons; not set: ids 1000 too high, as the original makes them.",
     .kind = OptionKind::kFlag},
};

constexpr stream::Example kExamples[] = {
    {"stream-generate --rows 3 'n, random % 6 + 1 as dice'", "Prints three throws of a die, the same each time.",
     R"({"n":0,"dice":5}
{"n":1,"dice":4}
{"n":2,"dice":2}
)"},
    {"stream-generate --nexmark --rows 50 | stream-aggregate --by type 'count(*) as n'",
     "Counts the kinds of the first 50 records of the benchmark's stream.",
     R"({"type":"person","n":1}
{"type":"auction","n":3}
{"type":"bid","n":46}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "generate",
    .summary = "make up rows, reproducibly",
    .description =
        "Each row has a number n, counted from 0, a random BIGINT of 63 bits, random, and a random DOUBLE "
        "from 0 to 1, uniform; the columns are SQL expressions over these. The same seed gives the same "
        "rows whatever the parallelism, and after a restart the stream goes on where the checkpoint was.\n\n"
        "With --nexmark the rows are the events of the Nexmark benchmark, an auction house: of 50, one is a person, "
        "three are auctions and 46 are bids. The outputs `person`, `auction` and `bid` have those of one kind, as in "
        "`from: events.bid`; the output `out` has all, with a column type, and NULL in columns that a kind lacks. "
        "Columns and outputs that nothing reads are not made.\n\n"
        "A person has id, name, email_address, credit_card, city, state, date_time, extra. An auction has id, "
        "item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra. A bid has auction, "
        "bidder, price, channel, url, date_time, extra. Prices are in cents.\n\n"
        "date_time is the event time without `time` being given. It begins at 2015-07-15T00:00:00Z and rises by a "
        "second every `event-rate` events: 10000000 for figures to compare with those published, 100000 to see "
        "windows end. With `shuffle`, `out-of-order` must be at least shuffle / event-rate seconds for no event to "
        "be late. `rate` says how fast events are really made.",
    .kind = stream::StageKind::kSource,
    .options = kOptions,
    .outputs = stream::nexmark::kOutputs,
    .inputs_max = 0,
    .examples = kExamples,
    .plan = stream::plan_generate,
    .make_source = stream::make_generate,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
