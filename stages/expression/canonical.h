// One text for all ways of writing the same expression: what a state table says of its columns.
#pragma once

#include <string>
#include <string_view>

#include "transport/record/schema.h"

namespace stream::expression {

// Blanks and comments go, words are in lower case, columns are called as in the schema. Two texts that are equal
// then mean the same; of those that differ, some may do as well: parentheses and casts stay as they are written.
std::string canonical_text(std::string_view text, const Schema& schema);

}  // namespace stream::expression
