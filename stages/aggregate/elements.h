// What calls keep of their arguments in tables of values, and what they make of it.
#pragma once

#include <string>
#include <vector>

#include "stages/expression/aggregate_call.h"
#include "transport/record/column.h"

namespace stream {

Column quantile_buckets(const Column& numbers);  // NULL of NULL
Column json_texts(const Column& values);         // null of NULL
// `"key":value`. `chosen`: rows that are needed, null: all. A key that is NULL is an error.
Column json_members(const Column& keys, const Column& values, const std::uint8_t* chosen,
                    std::vector<RowError>* errors);

// Bytes between two elements, and at the ends, of the list that a call makes.
std::size_t separator_size(const AggregateCall& call);
// `elements`: in their order, not empty. Of members with one key the last one stays.
std::string list_of(const AggregateCall& call, const std::vector<std::string_view>& elements);

}  // namespace stream
