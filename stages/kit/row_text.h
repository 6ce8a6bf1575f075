// Rows as text for messages and dead letters.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "stages/expression/expression.h"
#include "stages/kit/plan.h"
#include "stages/kit/stage.h"

namespace stream {

// One row as a JSON object.
std::string row_text(const Batch& batch, std::size_t row);

// One failed row has failed, however many of its expressions did: keeps the first error of each, in
// the order of the rows.
void merge_row_errors(std::vector<RowError>& errors);

// All rows but these, which are ascending and each once.
std::vector<std::uint32_t> rows_without(std::span<const RowError> errors, std::size_t rows);

// Reports the rows an expression failed for. Errors: as Emitter::bad_record.
Status report_row_errors(const Batch& batch, std::span<const RowError> errors, Emitter& out);

// When a failed row ends the stage: leaves of `rows`, which rise, those before the first failed one.
void keep_rows_before(std::span<const RowError> errors, std::vector<std::uint32_t>& rows);

// What is wrong with an expression, as a planner wants to hear it.
PlanError plan_error(std::string option, const ExpressionError& error);

}  // namespace stream
