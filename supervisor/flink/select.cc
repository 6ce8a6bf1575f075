#include "supervisor/flink/select.h"

#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {

using expression::Ast;
using expression::Failure;

std::vector<std::string> column_names(const Schema& schema) {
  std::vector<std::string> out;
  for (const Field& field : schema.fields) out.push_back(quoted_name(field.name));
  return out;
}

std::string named(const std::string& sql, const std::string& name) {
  const std::string written = quoted_name(name);
  return sql == written ? sql : sql + " AS " + written;
}

namespace {

// The columns that * or o.* stands for.
std::pair<std::size_t, std::size_t> range_of(const Ast& star, const Schema& schema,
                                             std::span<const InputColumns> inputs) {
  if (star.names.empty()) return {0, schema.fields.size()};
  for (const InputColumns& input : inputs) {
    if (lower(input.alias) == lower(star.names[0].text)) return {input.first, input.first + input.count};
  }
  return {0, 0};
}

}  // namespace

std::vector<std::string> select_list(Stage& stage, std::string_view option, const expression::Scope& scope,
                                     const std::vector<std::string>& columns, std::span<const InputColumns> inputs) {
  ExpressionWriter writer(scope, columns);
  const std::vector<Field>& outputs = stage.schema().fields;
  std::vector<std::string> out;
  const auto add = [&](const std::string& sql) {
    if (out.size() < outputs.size()) out.push_back(named(sql, outputs[out.size()].name));
  };
  for (const SelectText& item : stage.select(option)) {
    for (const expression::ParsedItem& part : expression::parse_list(item.text, scope.schema->names())) {
      if (part.tree.kind == Ast::Kind::kStar) {
        const auto [first, end] = range_of(part.tree, *scope.schema, inputs);
        for (std::size_t i = first; i < end; ++i) add(columns[i]);
        continue;
      }
      try {
        add(writer.exact(part.tree));
      } catch (const Failure& failure) {
        stage.refuse(option, failure);
        add("NULL");
      }
    }
  }
  return out;
}

}  // namespace stream::flink
