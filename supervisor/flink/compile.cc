#include "supervisor/flink/compile.h"

#include <algorithm>
#include <map>

#include "supervisor/flink/select.h"
#include "supervisor/flink/settings.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"
#include "supervisor/plan_passes.h"
#include "transport/base/text.h"

namespace stream::flink {
namespace {

class Compilation {
 public:
  Compilation(const JobPlan& plan, Problems& problems) : plan_(plan), problems_(problems) {
    output_.event_time = "event_time";
    while (taken(output_.event_time)) output_.event_time += '_';
  }

  std::vector<Statement> run() {
    std::vector<Statement> script = settings_of(plan_.pipeline, problems_);
    for (const std::size_t at : plan_.order) translate(at);
    append(script);
    return script;
  }

 private:
  bool taken(const std::string& name) const {
    return std::ranges::any_of(plan_.stages, [&](const PlannedStage& stage) {
      return std::ranges::any_of(stage.outputs,
                                 [&](const NamedSchema& output) { return output.schema.find(name).has_value(); });
    });
  }

  void translate(std::size_t at) {
    const StageSpec& spec = plan_.pipeline.stages[at];
    Stage stage(plan_, at, inputs_of(at), output_, problems_);
    const auto row = std::ranges::find(stage_rows(), spec.run, &StageRow::run);
    if (row == stage_rows().end()) {
      const auto known = std::ranges::find(refused_stages(), spec.run, &RefusedStage::run);
      stage.refuse_stage("there is no counterpart of it in Flink's SQL",
                         known == refused_stages().end() ? "" : std::string(known->advice));
      return assume(at);
    }
    check_outputs(at);
    check_options(stage, *row);
    made_[at] = row->translate(stage);
  }

  // Whatever a stage without a counterpart would make: those behind it are looked at all the same.
  void assume(std::size_t at) {
    const PlannedStage& stage = plan_.stages[at];
    const Schema schema = stage.outputs.empty() ? Schema() : stage.outputs.front().schema;
    made_[at] = {quoted_name(plan_.pipeline.stages[at].name),
                 schema,
                 schema.time.has_value(),
                 schema.changelog != Changelog::kAppend,
                 {}};
  }

  void check_outputs(std::size_t at) {
    for (const InputRef& ref : plan_.pipeline.stages[at].from) {
      const bool all_refused = assumed(ref.stage) || plan_.pipeline.find(ref.stage)->run == "generate";
      if (ref.output == "out" || all_refused) continue;
      problems_.add(ref.at, "output '" + ref.output + "' of stage '" + ref.stage +
                                "' has no counterpart in Flink; leave out what reads it");
    }
  }

  bool assumed(const std::string& name) const {
    const StageSpec* spec = plan_.pipeline.find(name);
    return spec == nullptr || std::ranges::find(stage_rows(), spec->run, &StageRow::run) == stage_rows().end();
  }

  static void check_options(Stage& stage, const StageRow& row) {
    static const std::set<std::string> kAlways = {"time", "out-of-order", "schema", "ttl"};
    const std::vector<std::string> known = split(row.options, ' ');
    const auto given = nlohmann::ordered_json::parse(stage.spec().options);
    for (const auto& [name, value] : given.items()) {
      if (name == "on-error") {
        if (value != "fail") stage.refuse(name, "a bad record fails the job in Flink", "leave it out, or write 'fail'");
        continue;
      }
      const bool refused = advice_of(stage.spec().run, name) != nullptr;
      if (!refused && (kAlways.contains(name) || std::ranges::find(known, name) != known.end())) continue;
      if (value == "false") continue;
      const RefusedOption* why = advice_of(stage.spec().run, name);
      stage.refuse(name, "it has no counterpart in Flink's SQL",
                   why == nullptr ? "leave it out" : std::string(why->advice));
    }
    check_fields(stage);
    check_ttl(stage);
  }

  static void check_fields(Stage& stage) {
    if (stage.text("unknown-fields", "count") != "count")
      stage.refuse("unknown-fields", "Flink leaves out fields outside of the schema", "leave it out");
  }

  // By event time here, where there is one; by the clock there.
  static void check_ttl(Stage& stage) {
    if (!stage.has("ttl") || stage.inputs() == 0) return;
    if (stage.duration("ttl") == std::nullopt || stage.has("window"))
      return stage.refuse("ttl", "it has no counterpart in Flink's SQL",
                          "give one duration to stages without a window");
    for (std::size_t i = 0; i < stage.inputs(); ++i) {
      if (stage.planned().inputs[i].schema.time)
        return stage.refuse("ttl", "it goes by event time, and in Flink by the clock of the machine", "leave it out");
    }
  }

  static const RefusedOption* advice_of(std::string_view run, std::string_view option) {
    for (const RefusedOption& row : refused_options()) {
      if ((row.run == run || row.run.empty()) && row.option == option) return &row;
    }
    return nullptr;
  }

  // An output of a name has been refused: it is as the plan says.
  Relation relation_of(const PlannedEdge& edge) const {
    Relation relation = made_.at(edge.from);
    if (edge.output == 0) return relation;
    relation.schema = plan_.stages[edge.from].outputs[edge.output].schema;
    relation.event_time = relation.schema.time.has_value();
    return relation;
  }

  std::vector<Relation> inputs_of(std::size_t at) {
    std::map<std::size_t, std::vector<Relation>> found;
    for (const PlannedEdge& edge : plan_.edges) {
      if (edge.to == at) found[edge.input].push_back(relation_of(edge));
    }
    std::vector<Relation> out;
    for (auto& [input, relations] : found)
      out.push_back(relations.size() == 1 ? relations[0] : merge(at, input, relations));
    return out;
  }

  Relation merge(std::size_t at, std::size_t input, const std::vector<Relation>& relations) {
    const StageSpec& spec = plan_.pipeline.stages[at];
    Relation merged{quoted_name(spec.name + "-input"), plan_.stages[at].inputs[input].schema, true, false, {}};
    merged.event_time = std::ranges::all_of(relations, &Relation::event_time) && merged.schema.time;
    merged.changes = std::ranges::any_of(relations, &Relation::changes);
    std::vector<std::string> columns = column_names(merged.schema);
    if (merged.event_time) columns.push_back(output_.event_time);
    std::vector<std::string> parts;
    for (const Relation& relation : relations)
      parts.push_back("SELECT " + stream::join(columns, ", ") + " FROM " + relation.name);
    output_.views.push_back({spec.name + ": what flows into it",
                             "CREATE TEMPORARY VIEW " + merged.name + " AS\n" + stream::join(parts, "\nUNION ALL\n")});
    return merged;
  }

  void append(std::vector<Statement>& script) const {
    std::size_t table = 0;
    for (std::size_t i = 0; i <= output_.views.size(); ++i) {
      for (; table < output_.order.size() && output_.order[table].first == i; ++table) {
        const Table& made = output_.tables[output_.order[table].second];
        script.push_back({made.comment, table_sql(made)});
      }
      if (i < output_.views.size()) script.push_back(output_.views[i]);
    }
    std::string sql = "EXECUTE STATEMENT SET\nBEGIN\n";
    for (const std::string& insert : output_.inserts) sql += insert + ";\n";
    script.push_back({"One job fills all sinks.", sql + "END"});
  }

  const JobPlan& plan_;
  Problems& problems_;
  Output output_;
  std::map<std::size_t, Relation> made_;
};

}  // namespace

JobPlan schemas_of(PipelineSpec pipeline, Catalogue& catalogue, StageAsker& asker, Problems& problems) {
  JobPlan plan;
  plan.pipeline = std::move(pipeline);
  plan.stages.resize(plan.pipeline.stages.size());
  plan_order(plan, problems);
  if (problems.empty()) plan_schemas(plan, catalogue, asker, problems);
  return plan;
}

std::vector<Statement> compile(const JobPlan& plan, Problems& problems) { return Compilation(plan, problems).run(); }

}  // namespace stream::flink
