// stream-lookup: rows with what a table has for them.
#include "stages/kit/format_values.h"
#include "stages/lookup/lookup.h"

namespace {

using stream::OptionKind;

constexpr auto kOptions = stream::options_of(
    stream::own_options({
        {.name = "columns",
         .arg = "SELECT",
         .doc = "SQL select list over the input and the reference: r.x is column x of the reference called r, input.x "
                "one of "
                "the input, input.* all of its columns.",
         .kind = OptionKind::kSelect,
         .positional = true,
         .required = true},
        {.name = "on",
         .arg = "CONDITION",
         .doc =
             "SQL condition that a row and what is found for it meet: at least one equality of an expression over the "
             "input with a column of the reference of the same type.",
         .kind = OptionKind::kExpression,
         .required = true},
        {.name = "path",
         .arg = "PATH",
         .doc = "The reference: a file of records, or with 'table' or 'query' an SQLite database.",
         .kind = OptionKind::kPath},
        {.name = "dsn",
         .arg = "SECRET",
         .doc = "The PostgreSQL database the reference is in: what holds its connection string, such as env:PG.",
         .kind = OptionKind::kSecret},
        {.name = "table", .arg = "NAME", .doc = "Table or view of the database; in PostgreSQL also SCHEMA.NAME."},
        {.name = "query", .arg = "SQL", .doc = "A query of the database, in place of a table."},
        {.name = "as",
         .arg = "NAME",
         .doc = "What the reference is called in 'columns' and 'on'; not set: as the table, or as the file without its "
                "ending; a query: ref."},
        {.name = "kind",
         .arg = "KIND",
         .doc = "left also gives rows for which nothing is found, with NULLs in its place.",
         .kind = OptionKind::kChoice,
         .fallback = "inner",
         .choices = "inner|left"},
        {.name = "version",
         .arg = "COLUMN",
         .doc = "Column of the reference, a TIMESTAMP, that tells from when on its row is valid: of the rows found "
                "each row "
                "of the input gets only the one valid at its event time."},
        {.name = "refresh",
         .arg = "DURATION",
         .doc = "How often the reference is looked at, and read again if it has changed; not set: it is read once, "
                "when the "
                "stage starts.",
         .kind = OptionKind::kDuration},
        {.name = "cache",
         .arg = "ROWS",
         .doc = "Do not read the whole table: ask the database for the keys that come, and keep the rows of those that "
                "came "
                "last.",
         .kind = OptionKind::kInteger},
        {.name = "expire",
         .arg = "DURATION",
         .doc = "How long a row is kept by 'cache' before it is asked for again; not set: as long as there is room.",
         .kind = OptionKind::kDuration},
        {.name = "static",
         .doc = "The reference never changes: what is processed again after a crash gives the same.",
         .kind = OptionKind::kFlag},
        {.name = "reference-schema",
         .arg = "COLUMNS",
         .doc = "Columns of the reference and their types; not set: as the database says, or as a sample of the file "
                "shows.",
         .kind = OptionKind::kSchema},
        stream::kFormatOption,
        stream::kHeaderOption,
    }),
    stream::kTextValueOptions,
    stream::own_options({
        stream::kRecordSizeOption,
    }));

constexpr stream::Example kExamples[] = {
    {"printf 'code,name\\nde,Germany\\nfr,France\\n' >countries.csv; printf '{\"id\":1,\"land\":\"fr\"}\\n' | "
     "stream-lookup --path countries.csv --on 'land = countries.code' 'id, countries.name as country'",
     "Prints {\"id\":1,\"country\":\"France\"}.",
     R"({"id":1,"country":"France"}
)"},
    {"sqlite3 shop.db \"create table if not exists customer (id integer primary key, name text); insert or replace "
     "into customer values (7, 'Ann')\"; printf '{\"order\":1,\"customer\":7}\\n{\"order\":2,\"customer\":8}\\n' | "
     "stream-lookup --path shop.db --table customer --kind left --on 'input.customer = c.id' --as c 'input.*, c.name'",
     "Adds the customer's name from an SQLite table to each order; NULL where there is none.",
     R"({"order":1,"customer":7,"name":"Ann"}
{"order":2,"customer":8,"name":null}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "lookup",
    .summary = "find what a table has for each row",
    .description =
        "Gives each row of the input together with the rows of a reference for which the condition is true, as JOIN of "
        "SQL does. The reference is a table or query of an SQLite or PostgreSQL database, or a file in any format that "
        "read-file reads. Unlike join it is no stream: it is read where it is, and a row sees it as it is when the row "
        "comes.\n\n"
        "By default the whole reference is read into memory when the stage starts, of it only the columns that are "
        "used, and no more than `memory` allows. With `refresh` it is looked at that often: a file is read again if it "
        "is another or has changed, an SQLite database if somebody has written to it, a PostgreSQL table each time. "
        "The "
        "rows that come meanwhile, and those that come when it cannot be read, see what was read before; when it "
        "cannot "
        "be read for a minute, and three times, the stage fails. A file that changes while it is read, or holds a "
        "record that is none, is as good as not there: replace files by renaming.\n\n"
        "With `cache` nothing is read in advance: the keys of a batch that are not in the cache are asked for "
        "together, "
        "and so many rows are kept, those of keys that came last. It is known too which keys have no rows. A row may "
        "be "
        "as old as `expire`, or as long ago as its key has been coming. This needs an index on the columns of the "
        "condition's equalities.\n\n"
        "With `version` the reference has several rows of one key, each valid from the time in that column until that "
        "of the next, and a row of the input gets the one that was valid at its event time, or nothing if none was "
        "yet. "
        "A version that is added later changes nothing that has been given.\n\n"
        "A database that is out of reach is tried again for a minute; then the stage fails, and its job goes on by its "
        "restart policy. Barriers wait for the answers to what has been asked.\n\n"
        "Exactly once means that every row of the input has its results once. Which state of the reference they come "
        "from is only certain if it never changes: after a crash the rows behind the checkpoint are looked up again, "
        "in "
        "the reference as it is then. Results that were committed stay. Say `static` for a reference that never "
        "changes "
        "while the job lives; an input whose rows may be taken back needs it, as what is taken back must be what was "
        "given.\n\n"
        "NULL is equal to nothing. Of SQLite the declared types of the columns count; a value that is no value of that "
        "type is an error.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_lookup,
    .make_operator = stream::Lookup::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
