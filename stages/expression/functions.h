// The table of functions: names, parameter types and kernels. bind.cc picks from it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "stages/expression/node.h"

namespace stream::expression {

// A function whose result depends on its arguments' exact types or values.
struct Made {
  Type result;
  Kernel kernel;
  CallTraits traits;
};
using Maker = std::function<Made(std::span<const NodePtr>)>;

struct Function {
  std::string name;
  std::vector<TypeKind> parameters;
  Type result;
  Kernel kernel;
  CallTraits traits;
  Maker make = nullptr;                                              // instead of result, kernel and traits
  NodePtr (*rewrite)(std::span<const NodePtr> arguments) = nullptr;  // a cheaper node for these arguments; null: none
  bool extension = false;                                            // PostgreSQL has no such overload: chosen last
};

// Parameters are one letter each: b BOOLEAN, i BIGINT, f DOUBLE, n DECIMAL, t VARCHAR, s TIMESTAMP,
// d DATE, v INTERVAL, x BLOB, j JSON.
class Functions {
 public:
  void add(std::string_view name, std::string_view parameters, Type result, Kernel kernel, CallTraits traits = {});
  void add_made(std::string_view name, std::string_view parameters, Maker make);
  void add_rewritten(std::string_view name, std::string_view parameters, Type result, Kernel kernel, CallTraits traits,
                     NodePtr (*rewrite)(std::span<const NodePtr>));
  void add_extension(std::string_view name, std::string_view parameters, Type result, Kernel kernel,
                     CallTraits traits = {});
  const std::vector<Function>& all() const { return functions_; }

 private:
  std::vector<Function> functions_;
};

void add_number_functions(Functions& functions);
void add_text_functions(Functions& functions);
void add_text_search_functions(Functions& functions);
void add_bytes_functions(Functions& functions);
void add_regex_functions(Functions& functions);
void add_time_functions(Functions& functions);
void add_json_functions(Functions& functions);

const std::vector<Function>& all_functions();

// Null, or why RE2 refuses the pattern.
const char* check_regex(std::string_view pattern, std::string_view flags, std::string* message);
// value ~ pattern
NodePtr make_regex_match(NodePtr value, NodePtr pattern, bool fold_case, bool negated);
// The regular expression of a SIMILAR TO pattern. False if it ends in its escape character.
bool similar_to_regex(std::string_view pattern, char escape, std::string& regex);
NodePtr make_similar(NodePtr value, NodePtr pattern, bool negated, char escape);

// length(replace(text, from, to)) of constants `from` and `to`, without making the text; null for other arguments.
NodePtr make_replaced_length(std::span<const NodePtr> arguments);

NodePtr make_concat(std::vector<NodePtr> texts);                   // NULLs are skipped
NodePtr make_concat_ws(std::vector<NodePtr> separator_and_texts);  // NULLs are skipped

}  // namespace stream::expression
