// Select lists and the columns they name.
#pragma once

#include <string>
#include <vector>

#include "supervisor/flink/expression.h"
#include "supervisor/flink/stage.h"

namespace stream::flink {

std::vector<std::string> column_names(const Schema& schema);  // as they are written

// "expression AS name", called as the stage's output says, behind `first` of its columns. Refuses what has no
// counterpart, and goes on. `columns`: how the columns of the scope are written.
std::vector<std::string> select_list(Stage& stage, std::string_view option, const expression::Scope& scope,
                                     const std::vector<std::string>& columns, std::span<const InputColumns> inputs);

std::string named(const std::string& sql, const std::string& name);  // "sql AS name", or only the name

}  // namespace stream::flink
