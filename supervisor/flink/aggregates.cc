// Aggregates, with and without windows.
#include <algorithm>
#include <array>

#include "stages/expression/aggregate_call.h"
#include "supervisor/flink/select.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {

using expression::Ast;
using expression::Failure;
using Kind = Ast::Kind;

namespace {

bool numeric(Type type) {
  return type.kind == TypeKind::kBigint || type.kind == TypeKind::kDouble || type.kind == TypeKind::kDecimal;
}

// Calls of aggregate functions, each once.
class Calls {
 public:
  Calls(const Schema& schema, bool windowed)
      : scope_{.schema = &schema}, writer_(scope_, column_names(schema)), windowed_(windowed) {}

  // Puts slots in their place.
  void take_out(Ast& ast) {
    if (ast.kind != Kind::kCall || !expression::is_aggregate(ast.text)) {
      for (Ast& argument : ast.arguments) take_out(argument);
      return;
    }
    types_.push_back(expression::bind_aggregate(ast, scope_).result_type);
    texts_.push_back(call(ast));
    Ast slot;
    slot.kind = Kind::kSlot;
    slot.offset = ast.offset;
    slot.index = texts_.size() - 1;
    ast = std::move(slot);
  }

  const std::vector<Type>& types() const { return types_; }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::string call(const Ast& ast) {
    const AggregateCall bound = expression::bind_aggregate(ast, scope_);
    const std::string filter = ast.filter.empty() ? "" : " FILTER (WHERE " + writer_.condition(ast.filter[0]) + ")";
    if (ast.star) return "COUNT(*)" + filter;
    return of(ast, bound, ast.distinct ? "DISTINCT " : "", filter);
  }

  std::string of(const Ast& ast, const AggregateCall& bound, const std::string& distinct, const std::string& filter) {
    const std::string argument = writer_.exact(ast.arguments[0]);
    const auto plain = [&](const char* name) { return name + ("(" + distinct + argument + ")") + filter; };
    const auto as_double = [&](const char* name) {
      return name +
             ("(" + distinct + (bound.argument_type == kDouble ? argument : "CAST(" + argument + " AS DOUBLE)") + ")") +
             filter;
    };
    switch (bound.function) {
      case AggregateFunction::kCount: return plain("COUNT");
      case AggregateFunction::kSum: return plain("SUM");
      case AggregateFunction::kMin: return plain("MIN");
      case AggregateFunction::kMax: return plain("MAX");
      case AggregateFunction::kAvg:
        if (bound.argument_type.kind == TypeKind::kDecimal)
          flink::refuse(ast, "avg() of a DECIMAL has other digits in Flink", "cast to double");
        if (!numeric(bound.argument_type)) break;
        return as_double("AVG");
      case AggregateFunction::kVarPop: return as_double("VAR_POP");
      case AggregateFunction::kVarSamp: return as_double("VAR_SAMP");
      case AggregateFunction::kStddevPop: return as_double("STDDEV_POP");
      case AggregateFunction::kStddevSamp: return as_double("STDDEV_SAMP");
      // The smallest, or the greatest, of 0 and 1.
      case AggregateFunction::kBoolAnd:
        return "(MIN(CASE " + argument + " WHEN TRUE THEN 1 WHEN FALSE THEN 0 END)" + filter + " = 1)";
      case AggregateFunction::kBoolOr:
        return "(MAX(CASE " + argument + " WHEN TRUE THEN 1 WHEN FALSE THEN 0 END)" + filter + " = 1)";
      case AggregateFunction::kFirst:
      case AggregateFunction::kLast:
        if (windowed_ || scope_.schema->time)
          flink::refuse(ast, ast.text + "() goes by event time, and in Flink by the order in which rows come",
                        "use min() or max()");
        return plain(bound.function == AggregateFunction::kFirst ? "FIRST_VALUE" : "LAST_VALUE");
      default: break;
    }
    flink::refuse(ast, ast.text + "() has no exact counterpart in Flink",
                  bound.function == AggregateFunction::kApproxCountDistinct ? "use count(distinct x)"
                                                                            : "stream-flink(7) lists those that have");
  }

  expression::Scope scope_;
  ExpressionWriter writer_;
  bool windowed_;
  std::vector<Type> types_;
  std::vector<std::string> texts_;
};

// What is computed, called as the output says; `first`: columns before them.
void add_computed(Stage& stage, const std::vector<std::size_t>& by, bool windowed, std::vector<std::string>& columns) {
  const Schema& schema = stage.input().schema;
  for (const SelectText& item : stage.select("compute")) {
    for (expression::ParsedItem& part : expression::parse_list(item.text, schema.names())) {
      try {
        Calls calls(schema, windowed);
        const Ast whole = part.tree;
        calls.take_out(part.tree);
        expression::Scope scope{.schema = &schema, .aggregated = true};
        scope.positions.resize(schema.fields.size());
        for (const std::size_t column : by) scope.positions[column] = column;
        scope.first_slot = schema.fields.size();
        scope.slots = calls.types();
        ExpressionWriter writer(scope, column_names(schema), calls.texts());
        const bool key = part.tree.kind == Kind::kColumn;  // is there already, under its own name
        if (key && part.alias.empty() && item.name.empty()) continue;
        const bool bare = part.tree.kind == Kind::kSlot;
        const std::string sql = bare ? calls.texts()[0] : writer.exact(part.tree);
        if (columns.size() < stage.schema().fields.size())
          columns.push_back(named(sql, stage.schema().fields[columns.size()].name));
      } catch (const Failure& failure) {
        stage.refuse("compute", failure);
        columns.emplace_back("NULL");
      }
    }
  }
}

struct Window {
  std::string kind;
  std::string source;  // the relation whose rows have windows
  bool session = false;
};

std::string interval(Stage& stage, const std::string& text, Microseconds less = 0) {
  const auto duration = parse_duration(text);
  const auto written = duration.ok() ? interval_text(*duration - less) : std::nullopt;
  if (!written) stage.refuse("window", "windows are of whole milliseconds in Flink");
  return written.value_or("");
}

Window window_of(Stage& stage, const std::vector<std::size_t>& by) {
  const std::vector<std::string> words = split(stage.text("window"), ' ');
  Window window{words[0], {}, words[0] == "session"};
  std::string spans;
  std::string keys;
  if (window.kind == "tumble") spans = interval(stage, words[1]);
  if (window.kind == "hop" || window.kind == "cumulate")
    spans = interval(stage, words.back()) + ", " + interval(stage, words[1]);
  // Rows that are exactly so far apart are of one session there, and of two here.
  if (window.session) {
    spans = interval(stage, words[1], 1000);
    for (const std::size_t column : by)
      keys += (keys.empty() ? " PARTITION BY (" : ", ") + quoted_name(stage.input().schema.fields[column].name);
    if (!keys.empty()) keys += ")";
  }
  if (spans.empty())
    stage.refuse("window", "windows of so many rows have no counterpart in Flink", "use a window of time");
  std::string name = window.kind;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  window.source = "TABLE(" + name + "(TABLE " + stage.input().name + keys + ", DESCRIPTOR(" +
                  stage.output().event_time + "), " + spans + "))";
  return window;
}

void check_window(Stage& stage) {
  const Relation& input = stage.input();
  if (input.changes) stage.refuse_stage("windows over rows that may be taken back have no counterpart in Flink");
  if (!input.event_time)
    return stage.refuse_stage("its input has no event time in Flink",
                              "behind windows and joins there is another one, or none");
  if (stage.text("zone", "UTC") != "UTC") stage.refuse("zone", "windows align to UTC in this script", "leave it out");
  for (const char* name : {"window_start", "window_end", "window_time"}) {
    if (input.schema.find(name))
      stage.refuse_stage(std::string("Flink calls a column of its own '") + name + "'", "rename that of the input");
  }
}

// How far apart windows begin.
Microseconds step_of(const std::string& window) {
  const std::vector<std::string> words = split(window, ' ');
  if (words[0] != "tumble" && words[0] != "hop") return 0;
  const auto step = parse_duration(words.back());
  return step.ok() ? *step : 0;
}

// Tumbling windows over the results of windows: each has those of one of these, if they begin as far apart, and then
// their starts say which. Elsewhere the event time of such results is another one there.
bool of_one_window_each(const Stage& stage) {
  const Relation& input = stage.input();
  const Microseconds step = step_of(stage.text("window"));
  return !input.event_time && input.window_step != 0 && input.window_step == step &&
         stage.text("window").starts_with("tumble");
}

Relation by_start(Stage& stage, const std::vector<std::size_t>& by, std::vector<std::string> columns) {
  std::vector<std::string> groups = columns;
  groups.emplace_back("window_start");
  columns.emplace_back("window_start");
  columns.push_back("CAST(window_start + " + *interval_text(stage.input().window_step) +
                    " AS TIMESTAMP_LTZ(6)) AS window_end");
  add_computed(stage, by, true, columns);
  return stage.add_view(columns, "FROM " + stage.input().name + "\nGROUP BY " + stream::join(groups, ", "), false, true,
                        "; its rows change as long as those of a window come");
}

Relation windowed(Stage& stage, const std::vector<std::size_t>& by, std::vector<std::string> columns) {
  if (of_one_window_each(stage)) return by_start(stage, by, std::move(columns));
  check_window(stage);
  const Window window = window_of(stage, by);
  std::vector<std::string> groups = columns;
  for (const char* edge : {"window_start", "window_end"}) {
    groups.emplace_back(edge);
    const bool later = window.session && std::string_view(edge) == "window_end";
    columns.push_back(std::string("CAST(") + edge + (later ? " + INTERVAL '0.001' SECOND" : "") +
                      " AS TIMESTAMP_LTZ(6)) AS " + edge);
  }
  add_computed(stage, by, true, columns);
  Relation made =
      stage.add_view(columns, "FROM " + window.source + "\nGROUP BY " + stream::join(groups, ", "), false, false);
  made.window_step = step_of(stage.text("window"));
  return made;
}

}  // namespace

Relation aggregate(Stage& stage) {
  const std::vector<std::size_t> by = stage.columns("by");
  std::vector<std::string> columns;
  for (const std::size_t column : by) columns.push_back(quoted_name(stage.input().schema.fields[column].name));
  if (stage.text("emit", "updates") == "final") stage.refuse("emit", "Flink emits every change", "leave it out");
  if (stage.text("clock", "event") != "event")
    stage.refuse("clock", "when rows come is not the same there", "use event time");
  if (stage.has("window")) return windowed(stage, by, std::move(columns));
  const std::string groups = columns.empty() ? "" : "\nGROUP BY " + stream::join(columns, ", ");
  add_computed(stage, by, false, columns);
  return stage.add_view(columns, "FROM " + stage.input().name + groups, false, true);
}

}  // namespace stream::flink
