// Stages that look at one row at a time.
#include "supervisor/flink/select.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"

namespace stream::flink {

using expression::Failure;

Relation filter(Stage& stage) {
  const Relation& input = stage.input();
  std::string condition;
  try {
    const expression::Scope scope{.schema = &input.schema};
    ExpressionWriter writer(scope, column_names(input.schema));
    condition = writer.condition(expression::parse_expression(stage.text("where"), input.schema.names()));
  } catch (const Failure& failure) { stage.refuse("where", failure); }
  std::vector<std::string> columns = column_names(input.schema);
  if (input.event_time) columns.push_back(stage.output().event_time);
  return stage.add_view(columns, "FROM " + input.name + "\nWHERE " + condition, input.event_time, input.changes);
}

Relation select(Stage& stage) {
  const Relation& input = stage.input();
  const expression::Scope scope{.schema = &input.schema};
  std::vector<std::string> columns = select_list(stage, "columns", scope, column_names(input.schema), {});
  const bool timed = input.event_time && stage.schema().time.has_value();
  if (timed) columns.push_back(stage.output().event_time);
  return stage.add_view(columns, "FROM " + input.name, timed, input.changes);
}

}  // namespace stream::flink
