// Gives the other files of this folder access to Expression's inside.
#pragma once

#include "stages/expression/bind.h"
#include "stages/expression/expression.h"

namespace stream::expression {

class Compiler {
 public:
  static Expression wrap(NodePtr root, std::string text) { return {std::move(root), std::move(text)}; }
  static const Node& root(const Expression& expression) { return *expression.root_; }
};

}  // namespace stream::expression
