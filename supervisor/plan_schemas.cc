#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "supervisor/plan_passes.h"
#include "transport/base/json_fields.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::size_t index_of(const PipelineSpec& pipeline, const std::string& stage) {
  const auto it = std::ranges::find(pipeline.stages, stage, &StageSpec::name);
  return static_cast<std::size_t>(it - pipeline.stages.begin());
}

std::string text_of(const Schema& schema) { return "(" + to_string(schema) + ")"; }

// What a stage sees of an input that several outputs flow into.
Schema merged(const Schema& a, const Schema& b) {
  Schema schema = a;
  if (a.time != b.time) schema.time.reset();
  schema.key.clear();  // two rows of one key may come from two sides
  if (b.changelog == Changelog::kUpdates) schema.changelog = Changelog::kUpdates;
  return schema;
}

class SchemaPass {
 public:
  SchemaPass(JobPlan& plan, Catalogue& catalogue, StageAsker& asker, Problems& problems)
      : plan_(plan), catalogue_(catalogue), asker_(asker), problems_(problems) {}

  void run() {
    for (const std::size_t at : plan_.order) {
      if (!ready(at))
        look_into(at);
      else if (connect(at) && ask(at))
        done_.insert(at);
    }
  }

  bool ask(std::size_t at) {
    const auto info = catalogue_.find(spec(at).run);
    if (!info.ok() || *info == nullptr) {
      problems_.add(spec(at).at, info.ok() ? "there is no stage program '" + spec(at).run + "'" : info.status().what());
      return false;
    }
    PlannedStage& stage = plan_.stages[at];
    stage.executable = (*info)->executable;
    stage.role = (*info)->role;
    auto answer = asker_.ask(**info, {spec(at).name, spec(at).run, spec(at).options, stage.inputs,
                                      plan_.pipeline.folder_of(spec(at)), spec(at).parallelism});
    if (!answer.ok()) {
      problems_.add(spec(at).at, "stage '" + spec(at).name + "': " + answer.status().what());
      return false;
    }
    stage.answer = *std::move(answer);
    stage.outputs.clear();
    for (const AnsweredError& error : stage.answer.errors) report(at, error);
    if (!stage.inputs.empty()) warn_of_reading(at, **info);
    return stage.answer.errors.empty() && accept(at);
  }

 private:
  const StageSpec& spec(std::size_t at) const { return plan_.pipeline.stages[at]; }

  bool ready(std::size_t at) const {
    return std::ranges::all_of(
        spec(at).from, [&](const InputRef& ref) { return done_.contains(index_of(plan_.pipeline, ref.stage)); });
  }

  // What a stage behind a wrong one would say of any input: one run shows all that is wrong.
  void look_into(std::size_t at) {
    const auto info = catalogue_.find(spec(at).run);
    if (!info.ok() || *info == nullptr) return;
    StageQuestion question{spec(at).name,       spec(at).run, spec(at).options, {}, plan_.pipeline.folder_of(spec(at)),
                           spec(at).parallelism};
    for (const InputRef& ref : spec(at).from) {
      if (!ref.name.empty() || question.inputs.empty())
        question.inputs.push_back({ref.name.empty() ? ref.stage : ref.name, known_of(ref)});
    }
    const auto answer = asker_.ask(**info, question);
    if (!answer.ok()) return;
    for (const AnsweredError& error : answer->errors) {
      if (error.any_input) report(at, error);
    }
  }

  // What is known of an output: everything, or no more than its event time.
  Schema known_of(const InputRef& ref) const {
    const std::size_t from = index_of(plan_.pipeline, ref.stage);
    const std::vector<NamedSchema>& outputs = plan_.stages[from].outputs;
    const auto output = std::ranges::find(outputs, ref.output, &NamedSchema::name);
    if (output != outputs.end()) return output->schema;
    if (!spec(from).from.empty()) return known_of(spec(from).from.front());
    const std::string time = text_at(nlohmann::ordered_json::parse(spec(from).options), "time");
    if (time.empty()) return {};
    return {.fields = {{time, kTimestamp}}, .time = 0, .key = {}};
  }

  bool connect(std::size_t at) {
    bool good = true;
    for (const InputRef& ref : spec(at).from) good = add_edge(at, ref) && good;
    return good;
  }

  bool add_edge(std::size_t at, const InputRef& ref) {
    const std::size_t from = index_of(plan_.pipeline, ref.stage);
    const std::vector<NamedSchema>& outputs = plan_.stages[from].outputs;
    const auto output = std::ranges::find(outputs, ref.output, &NamedSchema::name);
    if (output == outputs.end()) return no_output(ref, outputs);
    const auto index = static_cast<std::size_t>(output - outputs.begin());
    std::vector<NamedSchema>& inputs = plan_.stages[at].inputs;
    PlannedEdge edge{.from = from, .output = index, .to = at, .input = 0};
    if (!ref.name.empty() || inputs.empty()) {
      edge.input = inputs.size();
      inputs.push_back({ref.name.empty() ? ref.stage : ref.name, output->schema});
    } else if (inputs[0].schema.fields != output->schema.fields) {
      problems_.add(ref.at, "'" + ref.stage + "' cannot be merged: it has " + text_of(output->schema) + ", and '" +
                                inputs[0].name + "' has " + text_of(inputs[0].schema));
      return false;
    } else {
      inputs[0].schema = merged(inputs[0].schema, output->schema);
    }
    plan_.edges.push_back(std::move(edge));
    return true;
  }

  bool no_output(const InputRef& ref, const std::vector<NamedSchema>& outputs) {
    std::vector<std::string> names;
    for (const NamedSchema& output : outputs) names.push_back(output.name);
    problems_.add(ref.at, "stage '" + ref.stage + "' has no output '" + ref.output + "'; it has " + join(names, ", "));
    return false;
  }

  // The same words by themselves do read text, so they are no error here.
  void warn_of_reading(std::size_t at, const StageInfo& info) {
    for (const std::string_view option : reading_options()) {
      const bool own = std::ranges::find(info.options, option, &OptionInfo::name) != info.options.end();
      const auto place = spec(at).option_places.find(std::string(option));
      if (own || place == spec(at).option_places.end()) continue;
      plan_.warnings.push_back(to_string(place->second.at) + ": option '" + std::string(option) +
                               "' has no effect behind another stage; give it to the source");
    }
  }

  void report(std::size_t at, const AnsweredError& error) {
    const auto place = spec(at).option_places.find(error.option);
    std::string message = error.message + (error.hint.empty() ? "" : "; " + error.hint);
    if (place == spec(at).option_places.end()) {
      const std::string option = error.option.empty() ? "" : ", option '" + error.option + "'";
      return problems_.add(spec(at).at, "stage '" + spec(at).name + "'" + option + ": " + message);
    }
    Place where = place->second.at;
    if (place->second.text_column > 0) where.column = place->second.text_column + static_cast<int>(error.offset);
    problems_.add(where, "option '" + error.option + "': " + message);
  }

  // An answer that contradicts itself is a fault of the stage, not of the user.
  bool accept(std::size_t at) {
    PlannedStage& stage = plan_.stages[at];
    if (stage.answer.inputs.size() != stage.inputs.size()) return wrong(at, "answers for another number of inputs");
    for (std::size_t i = 0; i < stage.inputs.size(); ++i) {
      for (const auto* list : {&stage.answer.inputs[i].needs, &stage.answer.inputs[i].columns}) {
        for (const std::string& column : *list) {
          if (!stage.inputs[i].schema.find(column))
            return wrong(at, "needs column '" + column + "', which its input lacks");
        }
      }
    }
    for (const AnsweredOutput& output : stage.answer.outputs) {
      if (output.lineage.empty() && !output.schema.fields.empty()) need_everything(stage);
      if (!output.lineage.empty() && output.lineage.size() != output.schema.fields.size()) {
        return wrong(at, "answers lineage for another number of columns");
      }
      if (!known_lineage(stage, output)) return wrong(at, "answers lineage from columns its input lacks");
      stage.outputs.push_back({output.name, output.schema});
    }
    stage.outputs.push_back({"errors", errors_schema()});
    return true;
  }

  // A stage that does not tell where its columns come from may use any.
  static void need_everything(PlannedStage& stage) {
    for (std::size_t i = 0; i < stage.inputs.size(); ++i) stage.answer.inputs[i].needs = stage.inputs[i].schema.names();
  }

  static bool known_lineage(const PlannedStage& stage, const AnsweredOutput& output) {
    for (const auto& refs : output.lineage) {
      for (const InputColumn& ref : refs) {
        if (ref.input >= stage.inputs.size() || !stage.inputs[ref.input].schema.find(ref.column)) return false;
      }
    }
    return true;
  }

  bool wrong(std::size_t at, const std::string& what) {
    problems_.add(spec(at).at, "stage '" + spec(at).name + "': '" + spec(at).run + "' " + what);
    return false;
  }

  JobPlan& plan_;
  Catalogue& catalogue_;
  StageAsker& asker_;
  Problems& problems_;
  std::set<std::size_t> done_;
};

}  // namespace

void plan_order(JobPlan& plan, Problems& problems) {
  const std::vector<StageSpec>& stages = plan.pipeline.stages;
  std::set<std::string> placed;
  std::vector<bool> taken(stages.size(), false);
  while (plan.order.size() < stages.size()) {
    const std::size_t before = plan.order.size();
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const bool free =
          std::ranges::all_of(stages[i].from, [&](const InputRef& ref) { return placed.contains(ref.stage); });
      if (taken[i] || !free) continue;
      taken[i] = true;
      placed.insert(stages[i].name);
      plan.order.push_back(i);
    }
    if (plan.order.size() != before) continue;
    problems.add({plan.pipeline.name, 0, 0}, "the stages form a cycle or name a stage that is not there");
    return;
  }
}

bool ask_stage(JobPlan& plan, std::size_t at, Catalogue& catalogue, StageAsker& asker, Problems& problems) {
  return SchemaPass(plan, catalogue, asker, problems).ask(at);
}

void plan_schemas(JobPlan& plan, Catalogue& catalogue, StageAsker& asker, Problems& problems) {
  SchemaPass(plan, catalogue, asker, problems).run();
}

}  // namespace stream
