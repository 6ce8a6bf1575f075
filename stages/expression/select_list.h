// Select lists: what the stages select, join and aggregate compute.
//
// A list is given as items: each either a text that may hold several comma-separated parts with
// their own "as name" (`name` empty), or one named expression.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stages/expression/aggregate_call.h"
#include "stages/expression/expression.h"

namespace stream {

struct SelectText {
  std::string name;  // "" when the text names its parts itself
  std::string text;
};

struct SelectError {
  std::size_t item = 0;  // index of the SelectText
  ExpressionError error;
};

struct SelectedColumn {
  std::string name;
  Expression expression;
  std::vector<std::size_t> lineage;  // schema columns it is computed from, ascending
};

// The list with one expression an item and the name that was given to it, "" if none; nothing is resolved.
std::optional<std::vector<SelectText>> split_select(std::span<const SelectText> items, SelectError* error);

// `*` stands for all columns, `o.*` for those of input o. A part without a name is called as in
// PostgreSQL: after its column, its function, the field of a JSON access, or `case`, `coalesce`, …;
// anything else is column_N, N counting from 1. Names that occur twice are an error.
// nullopt on failure, with `error` set.
std::optional<std::vector<SelectedColumn>> compile_select(std::span<const SelectText> items, const Schema& schema,
                                                          SelectError* error,
                                                          std::span<const InputColumns> inputs = {});

// The columns of the list that are called as in `wanted`, in the order of the list. Columns that only
// the others need may be missing from the schema. Names column_N behind a `*` count as planned only
// if the schema is whole.
std::optional<std::vector<SelectedColumn>> compile_wanted(std::span<const SelectText> items, const Schema& schema,
                                                          std::span<const std::string> wanted, SelectError* error,
                                                          std::span<const InputColumns> inputs = {});

// A name column_N counts what a `*` before it stands for, so what the list is of must then stay whole.
bool counts_columns(std::span<const SelectedColumn> columns);

struct AggregateOutput {
  std::string name;
  Expression expression;             // over Aggregation::schema
  std::vector<std::size_t> lineage;  // columns of the input schema, ascending
};

struct Aggregation {
  std::vector<AggregateCall> calls;      // equal calls appear once
  Schema schema;                         // the `by` columns, then one column a call: what outputs read
  std::vector<AggregateOutput> outputs;  // in the order written
};

// `by`: schema indexes of the grouping columns. A column outside of them and outside of an aggregate
// is an error. Output names must not repeat one another or a `by` column, unless the output is that
// very column.
std::optional<Aggregation> compile_aggregates(std::span<const SelectText> items, const Schema& schema,
                                              std::span<const std::size_t> by, SelectError* error);

}  // namespace stream
