// What is joined by AND: taken apart, and the rest of it put together again. Internal to this folder.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "stages/expression/bind.h"
#include "stages/expression/expression.h"

namespace stream::expression {

// The parts of a AND b AND …, those of nested ones too.
std::vector<Ast> split_conjunction(const Ast& ast);
bool is_equality(const Ast& ast);

// All of these as one BOOLEAN; nothing for none. `text`: where they come from. Throws Failure.
std::optional<Expression> compile_conjunction(Binder& binder, std::vector<Ast> parts, std::string_view text);

}  // namespace stream::expression
