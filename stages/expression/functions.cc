#include "stages/expression/functions.h"

#include "transport/base/check.h"

namespace stream::expression {
namespace {

TypeKind kind_of(char letter) {
  switch (letter) {
    case 'b': return TypeKind::kBoolean;
    case 'i': return TypeKind::kBigint;
    case 'f': return TypeKind::kDouble;
    case 'n': return TypeKind::kDecimal;
    case 't': return TypeKind::kVarchar;
    case 's': return TypeKind::kTimestamp;
    case 'd': return TypeKind::kDate;
    case 'v': return TypeKind::kInterval;
    case 'x': return TypeKind::kBlob;
    default: STREAM_CHECK(letter == 'j'); return TypeKind::kJson;
  }
}

std::vector<TypeKind> kinds_of(std::string_view letters) {
  std::vector<TypeKind> kinds;
  for (const char letter : letters) kinds.push_back(kind_of(letter));
  return kinds;
}

Functions build() {
  Functions functions;
  add_number_functions(functions);
  add_text_functions(functions);
  add_text_search_functions(functions);
  add_bytes_functions(functions);
  add_regex_functions(functions);
  add_time_functions(functions);
  add_json_functions(functions);
  return functions;
}

}  // namespace

void Functions::add(std::string_view name, std::string_view parameters, Type result, Kernel kernel, CallTraits traits) {
  functions_.push_back({std::string(name), kinds_of(parameters), result, std::move(kernel), traits});
}

void Functions::add_made(std::string_view name, std::string_view parameters, Maker make) {
  functions_.push_back({std::string(name), kinds_of(parameters), kBigint, nullptr, {}, std::move(make)});
}

void Functions::add_rewritten(std::string_view name, std::string_view parameters, Type result, Kernel kernel,
                              CallTraits traits, NodePtr (*rewrite)(std::span<const NodePtr>)) {
  add(name, parameters, result, std::move(kernel), traits);
  functions_.back().rewrite = rewrite;
}

void Functions::add_extension(std::string_view name, std::string_view parameters, Type result, Kernel kernel,
                              CallTraits traits) {
  add(name, parameters, result, std::move(kernel), traits);
  functions_.back().extension = true;
}

const std::vector<Function>& all_functions() {
  static const Functions functions = build();
  return functions.all();
}

}  // namespace stream::expression
