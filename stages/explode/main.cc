// stream-explode: one row for each element of an array.
#include "stages/explode/explode.h"

namespace {

using stream::OptionKind;

constexpr stream::Option kOptions[] = {
    {.name = "column",
     .arg = "EXPRESSION",
     .doc = "What has the elements: a column, or a SQL expression, that is a JSON array or text.",
     .kind = OptionKind::kExpression,
     .positional = true,
     .required = true},
    {.name = "separator", .arg = "TEXT", .doc = "What parts the elements of text."},
    {.name = "as",
     .arg = "NAME",
     .doc = "Name of the column of the elements, behind the others; not set: it takes the place of the column."},
    {.name = "type",
     .arg = "TYPE",
     .doc = "SQL type of an element; not set: JSON for those of an array, VARCHAR for those of text."},
    {.name = "ordinality", .arg = "NAME", .doc = "Adds a column that counts the elements of a row, from 1."},
    {.name = "outer",
     .doc = "Keep a row that has no element, once, with NULL for it; not set: it is dropped.",
     .kind = OptionKind::kFlag},
};

constexpr stream::Example kExamples[] = {
    {"printf '{\"id\":1,\"tags\":[\"a\",\"b\"]}\\n{\"id\":2,\"tags\":[]}\\n' | stream-explode tags --type varchar "
     "--outer",
     "Prints a line for a, one for b, and one with null for the second row.",
     R"({"id":1,"tags":"a"}
{"id":1,"tags":"b"}
{"id":2,"tags":null}
)"},
    {"printf '{\"path\":\"usr/share/man\"}\\n' | stream-explode path --separator / --as part --ordinality depth",
     "Prints three lines, each with the whole path, a part of it, and its depth.",
     R"({"path":"usr/share/man","part":"usr","depth":1}
{"path":"usr/share/man","part":"share","depth":2}
{"path":"usr/share/man","part":"man","depth":3}
)"},
};

constexpr stream::StageProgram kProgram = {
    .name = "explode",
    .summary = "make one row of each element of an array",
    .description =
        "A row becomes as many rows as its array has elements, in their order; the other columns are repeated. The "
        "array is a column of JSON, or an expression over one, such as body->'items'; of an element that is an object "
        "`select` behind it takes the fields: \"element->>'sku' as sku\". Text is split at `separator`, as "
        "`string_to_array` of SQL does: empty text has no element.\n\n"
        "With `type` elements become values: strings without their quotes, numbers, times; a row with one that is no "
        "such value, or whose JSON is no array, is a bad record as a whole. A NULL has no elements, a null in an array "
        "is one.\n\n"
        "Where the input may take rows back, so may the output. It has a unique key where the input has one and "
        "`ordinality` is given. Keeps no state.",
    .kind = stream::StageKind::kOperator,
    .options = kOptions,
    .examples = kExamples,
    .plan = stream::plan_explode,
    .make_operator = stream::Explode::make,
};

}  // namespace

int main(int argc, char** argv) { return stream::stage_main(kProgram, argc, argv); }
