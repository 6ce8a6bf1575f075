// Evaluates expressions over a small batch and shows the results as text.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "stages/expression/expression.h"

namespace stream::test {

// A row as texts, cast to the columns' types; "\\N" is NULL.
Batch batch_of(const char* schema, std::initializer_list<std::initializer_list<const char*>> rows);

// One text a row: the value (PostgreSQL's form), NULL, or "ERROR reason".
std::vector<std::string> values(std::string_view text, const Batch& batch);

// The only value of an expression without columns; "@offset message (hint)" if it does not compile.
std::string value(std::string_view text);
// Its type's name, or the same text when it does not compile.
std::string type(std::string_view text);
// "@offset message (hint)" over this schema; "" if it compiles.
std::string error(std::string_view text, const char* schema);

std::vector<std::uint32_t> selected(std::string_view text, const Batch& batch);

}  // namespace stream::test
