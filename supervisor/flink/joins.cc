#include <filesystem>
#include "stages/expression/join_condition.h"

#include "supervisor/flink/select.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"

namespace stream::flink {

using expression::Failure;

namespace {

struct Side {
  std::string alias;
  Relation relation;
};

struct Sides {
  std::vector<Side> sides;
  Schema schema;  // of both, one behind the other
  std::vector<InputColumns> inputs;
  std::vector<std::string> columns;  // as they are written: o.amount
};

Sides joined(std::vector<Side> sides) {
  Sides out;
  for (const Side& side : sides) {
    const Schema& schema = side.relation.schema;
    out.inputs.push_back({side.alias, out.schema.fields.size(), schema.fields.size()});
    for (const Field& field : schema.fields) {
      out.columns.push_back(quoted_name(side.alias) + "." + quoted_name(field.name));
      out.schema.fields.push_back(field);
    }
  }
  out.sides = std::move(sides);
  return out;
}

// What the bounds of the two event times say of them in milliseconds, which is no more than the condition says. With it
// Flink knows when a row can be let go.
std::string time_bounds(Stage& stage, const Sides& sides, const std::string& condition) {
  const Relation& left = sides.sides[0].relation;
  const Relation& right = sides.sides[1].relation;
  if (!left.event_time || !right.event_time || left.changes || right.changes) return "";
  ExpressionError error;
  const auto parts = compile_join_condition(condition, sides.schema, sides.inputs, left.schema.time,
                                            left.schema.fields.size() + *right.schema.time, &error);
  if (!parts || !parts->times.low || !parts->times.high) return "";
  const auto down = [](Microseconds us) { return (us - (us % 1000 + 1000) % 1000); };
  const auto low = interval_text(down(*parts->times.low));
  const auto high = interval_text(-down(-*parts->times.high));
  const std::string& time = stage.output().event_time;
  const std::string a = quoted_name(sides.sides[0].alias) + "." + time;
  const std::string b = quoted_name(sides.sides[1].alias) + "." + time;
  return "\n  AND " + a + " BETWEEN " + b + " + " + *low + " AND " + b + " + " + *high;
}

Relation join_sides(Stage& stage, const Sides& sides) {
  const expression::Scope scope{.schema = &sides.schema, .inputs = sides.inputs};
  const std::string text = stage.text("on");
  std::string condition;
  try {
    ExpressionWriter writer(scope, sides.columns);
    const expression::Ast tree = expression::parse_expression(text, sides.schema.names());
    condition = writer.inside(writer.write(tree), Sql::kAnd);
  } catch (const Failure& failure) { stage.refuse("on", failure); }
  const std::string bounds = time_bounds(stage, sides, text);
  std::vector<std::string> columns = select_list(stage, "columns", scope, sides.columns, sides.inputs);
  const std::string kind = stage.text("kind", "inner");
  const bool outer = kind != "inner";
  const bool changes = sides.sides[0].relation.changes || sides.sides[1].relation.changes || (outer && bounds.empty());
  // The event time is that of the first input: what it lacks has none.
  const bool timed = !bounds.empty() && stage.schema().time && (kind == "inner" || kind == "left") &&
                     stage.schema().fields[*stage.schema().time].name ==
                         sides.sides[0].relation.schema.fields[*sides.sides[0].relation.schema.time].name;
  if (timed) columns.push_back(quoted_name(sides.sides[0].alias) + "." + stage.output().event_time);
  const std::string words = kind == "left"    ? "LEFT JOIN "
                            : kind == "right" ? "RIGHT JOIN "
                            : kind == "full"  ? "FULL JOIN "
                                              : "JOIN ";
  const std::string from = "FROM " + sides.sides[0].relation.name + " AS " + quoted_name(sides.sides[0].alias) + "\n" +
                           words + sides.sides[1].relation.name + " AS " + quoted_name(sides.sides[1].alias) +
                           "\n  ON " + condition + bounds;
  const std::string comment =
      bounds.empty() ? "; without bounds of event time Flink keeps all rows of both inputs" : "";
  return stage.add_view(columns, from, timed, changes, comment);
}

}  // namespace

Relation join(Stage& stage) {
  return join_sides(stage, joined({{stage.input_name(0), stage.input(0)}, {stage.input_name(1), stage.input(1)}}));
}

// A file that never changes is a table like others, and of a bounded one all rows come.
Relation lookup(Stage& stage) {
  if (!stage.flag("static"))
    stage.refuse("static", "a reference that changes is looked at by the clock", "set 'static', if it never does");
  const auto reference = parse_schema(stage.text("reference-schema"));
  const std::string path = stage.text("path");
  const bool good = stage.has("path") && reference.ok() && !reference->fields.empty();
  if (stage.has("path") && !good) stage.refuse("reference-schema", "Flink looks at no sample", "give it");
  if (!stage.has("path")) stage.refuse_stage("a database is read by connectors of Flink's own", "export it to a file");
  const Schema schema = good ? *reference : Schema();
  const std::string alias = stage.text("as", std::filesystem::path(path).stem().string());
  if (good) stage.add_table(file_table(stage, "-reference", schema));
  return join_sides(stage, joined({{stage.input_name(0), stage.input()},
                                   {alias, {stage.name("-reference"), schema, false, false, {}}}}));
}

}  // namespace stream::flink
