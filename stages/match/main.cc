// stream-match: sequences of rows that a pattern describes.
#include "stages/match/match.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "pattern",
     .arg = "PATTERN",
     .doc = "Variables in the order their rows follow each other, as in `A B+ (C | D){2,3}`: quantifiers are * + ? {n} "
            "{n,} {n,m} {,m}, with ? behind them reluctant, else greedy.",
     .positional = true,
     .required = true},
    {.name = "by",
     .arg = "COLUMNS",
     .doc = "Columns whose values make a sequence; not set: all rows are one.",
     .kind = OptionKind::kColumns},
    {.name = "order",
     .arg = "ORDER",
     .doc = "What comes first of rows of one event time, as in `sequence, price desc`; of equal rows the one that came "
            "first."},
    {.name = "define",
     .arg = "CONDITIONS",
     .doc = "For each variable the condition that its rows meet, as in `price < 10 as A, price > last(A.price) as B`; "
            "any row matches a variable without one.",
     .kind = OptionKind::kSelect},
    {.name = "measures",
     .arg = "SELECT",
     .doc = "What is given of a match, as in `first(A.ts) as began, count(B.*) as n`.",
     .kind = OptionKind::kSelect},
    {.name = "rows",
     .arg = "WHICH",
     .doc = "one gives a row for each match; all gives each row of it, all columns, with the measures up to there.",
     .kind = OptionKind::kChoice,
     .fallback = "one",
     .choices = "one|all"},
    {.name = "within",
     .arg = "DURATION",
     .doc = "The last row of a match is less than this after the first.",
     .kind = OptionKind::kDuration},
    {.name = "skip",
     .arg = "WHERE",
     .doc = "Where the search goes on behind a match: past-last-row, to-next-row, or to-first VARIABLE or to-last "
            "VARIABLE: at the first or last row that matches it.",
     .fallback = "past-last-row"},
};

constexpr std::string_view kOutputs[] = {"late"};

constexpr stream::Example kExamples[] = {
    {"printf "
     "'{\"ts\":\"2026-01-01T00:00:01Z\",\"card\":7,\"amount\":1}\\n{\"ts\":\"2026-01-01T00:00:02Z\",\"card\":7,"
     "\"amount\":2}\\n{\"ts\":\"2026-01-01T00:00:03Z\",\"card\":7,\"amount\":900}\\n' | stream-match --time ts --by "
     "card --within 5m --define 'amount < 10 as small, amount > 500 as big' --measures 'first(small.ts) as began, "
     "count(small.*) as tries, big.amount as amount' 'small{2,} big'",
     "Prints one row: two small payments of card 7, then a big one, within five minutes.",
     R"({"card":7,"began":"2026-01-01T00:00:01Z","tries":2,"amount":900}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "match",
    .summary = "find sequences of rows that a pattern describes",
    .description =
        "Finds rows of one key that follow each other, without others between them, as a pattern says: MATCH_RECOGNIZE "
        "of SQL with its clauses as options. A match begins at the earliest row that one can begin at; of those the "
        "pattern's preferences decide: a greedy quantifier takes as many rows as the rest allows, a reluctant one as "
        "few, of alternatives the first is taken. A match is given once no row to come could change it.\n\n"
        "Rows are looked at in the order of event time, once the watermark is past them. Rows of one event time are in "
        "the order of `order`, then as they came; where several instances send, that may differ from run to run. Rows "
        "that come behind the watermark go to the output late.\n\n"
        "In conditions and measures `A.price` is the price of the last row so far that matches A, and `price` that of "
        "the last row of all: in a condition the row it is tried for. first(A.price, n) and last(A.price, n) count n "
        "rows on from the first, or back from the last, of those that match A. prev(price, n) is n rows before, "
        "matched or not. count, sum, min, max and avg, with FILTER, run over the rows that match a variable, as in "
        "avg(A.price * A.quantity) and count(A.*), or over all of them without one. match_rowtime() is the event time "
        "of the last row, classifier() the variable that it matches.\n\n"
        "A row for which a condition on it alone, or what is to be kept of it, cannot be computed is a bad record and "
        "left out. A condition that compares rows and cannot be computed is not met, and the row is reported.\n\n"
        "The rows that may still become part of a match are kept as state, in memory, with the columns that conditions "
        "and measures need; with prev() also the last ones of each key. Nothing else is: half-found matches are found "
        "again after a restart. `within` bounds what is kept of a key; without it the rows of a match that does not "
        "end "
        "are kept for ever, and there is a warning. With it the result has event time if a measure is match_rowtime(), "
        "or with `rows` all. Rows that allow more than 2,000 ways to go on at once are given up, and the first of them "
        "is reported.\n\n"
        "What differs from Apache Flink: its greedy quantifiers never give a row back, so that `A B* C` finds nothing "
        "where a row could be B and C and no C follows; here it does, as SQL says. When a bounded input ends, Flink "
        "goes "
        "on waiting for rows of matches that have begun, and keeps back those that begin later; here the end decides "
        "them. A pattern may end in a greedy quantifier, and have groups, alternatives, reluctant optional variables, "
        "prev() and `rows` all. Where `skip` names a variable that the match does not have, or its first row, the "
        "search "
        "goes on at the next row; Flink fails. The average of whole numbers is not cut to a whole number. Not "
        "supported "
        "in either: PERMUTE, ^ and $, {- -}, SUBSET, DISTINCT, next().",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .outputs = kOutputs,
    .examples = kExamples,
    .plan = stream::plan_match,
    .make_operator = stream::Match::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
