// The first rows of each group: Flink knows the pattern ROW_NUMBER() … <= n.
#include <algorithm>

#include "stages/expression/lex.h"
#include "supervisor/flink/select.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {
namespace {

// A name that no column has.
std::string place_name(const Schema& schema) {
  std::string name = "place";
  while (schema.find(name)) name += '_';
  return name;
}

struct Ranking {
  std::string order;
  std::string limit;
  std::string rank;       // the name of the column with it; "" = none
  std::string also = {};  // another column of the inner query
  bool keeps_time = false;
  bool changes = true;
};

Relation ranked(Stage& stage, const Ranking& ranking) {
  const Relation& input = stage.input();
  std::vector<std::string> columns = column_names(input.schema);
  if (ranking.keeps_time) columns.push_back(stage.output().event_time);
  std::vector<std::string> groups;
  for (const std::size_t column : stage.columns("by")) groups.push_back(quoted_name(input.schema.fields[column].name));
  const std::string place = ranking.rank.empty() ? place_name(input.schema) : quoted_name(ranking.rank);
  const std::string partition = groups.empty() ? "" : "PARTITION BY " + stream::join(groups, ", ") + " ";
  const std::string rest = "FROM (SELECT *, ROW_NUMBER() OVER (" + partition + "ORDER BY " + ranking.order + ") AS " +
                           place + "\n      FROM " + input.name + ")\nWHERE " + place + " <= " + ranking.limit;
  if (!ranking.rank.empty()) columns.push_back(place);
  return stage.add_view(columns, rest, ranking.keeps_time, ranking.changes);
}

// "price desc, ts nulls first": NULL is the largest value here, and the smallest there.
std::string order_text(Stage& stage) {
  const Schema& schema = stage.input().schema;
  const std::string text = stream::join(stage.list("order"), ", ");
  const std::vector<expression::Token> tokens = expression::lex(text);
  std::vector<std::string> out;
  for (const auto& [first, end] : expression::split_items(text, tokens)) {
    const std::string name = expression::name_of(text, tokens[first]).text;
    const auto exact = schema.find(name);
    const auto alike =
        std::ranges::find_if(schema.fields, [&](const Field& f) { return lower(f.name) == lower(name); });
    std::string words;
    for (std::size_t i = first + 1; i < end; ++i)
      words += " " + lower(text.substr(tokens[i].begin, tokens[i].end - tokens[i].begin));
    const bool descending = words.find(" desc") != std::string::npos;
    const bool said = words.find(" nulls") != std::string::npos;
    const bool nulls_first = said ? words.find(" nulls first") != std::string::npos : descending;
    const std::size_t column = exact.value_or(static_cast<std::size_t>(alike - schema.fields.begin()));
    out.push_back(quoted_name(schema.fields[column].name) + (descending ? " DESC" : " ASC") +
                  (nulls_first ? " NULLS FIRST" : " NULLS LAST"));
  }
  return stream::join(out, ", ");
}

}  // namespace

Relation top_n(Stage& stage) {
  return ranked(stage, {order_text(stage), stage.text("limit", "10"), stage.text("rank")});
}

Relation dedup(Stage& stage) {
  const bool last = stage.text("keep", "first") == "last";
  if (stage.input().changes) stage.refuse_stage("rows that may be taken back are told apart otherwise in Flink");
  // First is who comes first, whatever its event time says.
  if (!last) return ranked(stage, {"PROCTIME() ASC", "1", "", {}, stage.input().event_time, false});
  return ranked(stage, {(stage.input().event_time ? stage.output().event_time : "PROCTIME()") + " DESC", "1", ""});
}

}  // namespace stream::flink
