#include "supervisor/test_pipeline.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

// No name in a manifest begins so.
constexpr const char* kGivenPrefix = "_given/";
constexpr const char* kKeptPrefix = "_kept/";

class TestMaker {
 public:
  TestMaker(const PipelineSpec& pipeline, const PipelineTest& test, const std::string& folder, Catalogue& catalogue,
            Problems& problems)
      : pipeline_(pipeline), test_(test), folder_(folder), catalogue_(catalogue), problems_(problems) {}

  TestPipeline make() {
    out_.spec = pipeline_;
    out_.spec.tests.clear();
    out_.spec.metrics.clear();
    out_.spec.stages.clear();
    out_.spec.watermarks_apart = true;
    out_.spec.ad_hoc = true;
    out_.spec.checkpoint.enabled = false;
    out_.spec.checkpoint.path.clear();
    out_.spec.savepoints = {};
    out_.spec.restart.strategy = RestartStrategy::kNone;
    std::vector<StageSpec> keepers;
    for (std::size_t i = 0; i < test_.expect.size(); ++i) keepers.push_back(keeper(i));
    for (StageSpec& stage : keepers) add_inputs(stage);
    for (StageSpec& stage : keepers) out_.spec.stages.push_back(std::move(stage));
    report_unused();
    return std::move(out_);
  }

 private:
  StageSpec keeper(std::size_t i) {
    const TestRows& rows = test_.expect[i];
    const StageSpec* stage = pipeline_.find(rows.stage);
    StageSpec out{.name = keeper_name(i), .run = "write-file", .at = rows.at};
    out.options = ordered_json{{"path", folder_ + "/" + kept_file(i)}, {"format", "ndjson"}}.dump();
    if (stage != nullptr && role_of(*stage) == StageRole::kSink) {
      out.from = stage->from;
    } else {
      out.from = {{.stage = rows.stage, .output = rows.output.empty() ? "out" : rows.output, .at = rows.at}};
    }
    return out;
  }

  // Redirects inputs to given rows, and adds every stage that is needed, each before what reads it.
  void add_inputs(StageSpec& stage) {
    const TestRows* all = given(stage.name, "");
    if (all != nullptr && !stage.from.empty() && stage.from[0].name.empty()) {
      stage.from = {{.stage = give(*all, nullptr), .at = stage.at}};
      return;
    }
    for (InputRef& ref : stage.from) {
      if (const TestRows* rows = ref.name.empty() ? nullptr : given(stage.name, ref.name)) {
        ref.stage = give(*rows, nullptr);
        ref.output = "out";
      } else {
        add_upstream(ref);
      }
    }
  }

  void add_upstream(InputRef& ref) {
    const StageSpec* stage = pipeline_.find(ref.stage);
    if (stage == nullptr) return;  // reported where it was read
    if (role_of(*stage) != StageRole::kSource) return add_stage(*stage);
    const TestRows* rows = given(ref.stage, ref.output);
    if (rows == nullptr) rows = given(ref.stage, "");
    if (rows == nullptr && ref.output == "errors" && out_.spec.find(ref.stage) != nullptr) return;
    if (rows == nullptr) {
      problems_.add(test_.at, "test '" + test_.name + "' gives no rows to the source '" + ref.stage +
                                  "', which its stages read; add " + ref.stage + ": [] under 'given'");
      return;
    }
    ref.stage = give(*rows, stage);
    if (ref.output != "errors") ref.output = "out";
  }

  void add_stage(const StageSpec& spec) {
    if (out_.spec.find(spec.name) != nullptr) return;
    StageSpec stage = spec;
    stage.parallelism = 1;  // so that rows keep their order
    stage.bounds = {};
    stage.parallelism_given = true;
    add_inputs(stage);
    out_.spec.stages.push_back(std::move(stage));
  }

  // Adds the stage that gives these rows, in the place of `source` if that is not null. Returns its name.
  std::string give(const TestRows& rows, const StageSpec* source) {
    used_.insert(&rows);
    std::string place = rows.stage + (rows.output.empty() ? "" : "-" + rows.output);
    // Bad records tell the name of their stage.
    const std::string name = source != nullptr && rows.output.empty() ? rows.stage : kGivenPrefix + place;
    if (out_.spec.find(name) != nullptr) return name;
    std::ranges::replace(place, '/', '-');
    const std::string file = "given-" + place + ".ndjson";
    out_.files[file] = join(rows.lines, "\n") + "\n";
    StageSpec stage{.name = name, .run = "replay", .at = rows.at};
    ordered_json options = source == nullptr ? ordered_json::object() : reading_options_of(*source);
    options["path"] = folder_ + "/" + file;
    for (const auto& [key, value] : rows.options) options[key] = value;
    stage.options = options.dump();
    stage.parallelism_given = true;
    out_.spec.stages.push_back(std::move(stage));
    return name;
  }

  // What the source is told about its records holds for the rows given instead.
  ordered_json reading_options_of(const StageSpec& source) {
    ordered_json out = ordered_json::object();
    const auto found = catalogue_.find("replay");
    if (!found.ok() || *found == nullptr) return out;
    const ordered_json options = ordered_json::parse(source.options);
    for (const auto& [key, value] : options.items()) {
      const OptionInfo* option = (*found)->find(key);
      if (option == nullptr || key == "path" || key == "key" || key == "idle" || !fits(*option, value)) continue;
      out[key] = value;
    }
    return out;
  }

  // A source may know more formats: of those, rows are given as JSON alone.
  static bool fits(const OptionInfo& option, const ordered_json& value) {
    return option.choices.empty() ||
           (value.is_string() && std::ranges::find(option.choices, value.get<std::string>()) != option.choices.end());
  }

  const TestRows* given(const std::string& stage, const std::string& place) const {
    const auto it = std::ranges::find_if(
        test_.given, [&](const TestRows& rows) { return rows.stage == stage && rows.output == place; });
    return it == test_.given.end() ? nullptr : &*it;
  }

  void report_unused() {
    for (const TestRows& rows : test_.given) {
      if (used_.contains(&rows) || pipeline_.find(rows.stage) == nullptr) continue;
      problems_.add(rows.at, "test '" + test_.name + "' expects nothing that is made of these rows");
    }
  }

  StageRole role_of(const StageSpec& stage) {
    const auto found = catalogue_.find(stage.run);
    return found.ok() && *found != nullptr ? (*found)->role : StageRole::kOperator;
  }

  const PipelineSpec& pipeline_;
  const PipelineTest& test_;
  const std::string& folder_;
  Catalogue& catalogue_;
  Problems& problems_;
  TestPipeline out_;
  std::set<const TestRows*> used_;
};

}  // namespace

TestPipeline make_test_pipeline(const PipelineSpec& pipeline, const PipelineTest& test, const std::string& folder,
                                Catalogue& catalogue, Problems& problems) {
  return TestMaker(pipeline, test, folder, catalogue, problems).make();
}

std::string keeper_name(std::size_t i) { return kKeptPrefix + std::to_string(i); }
std::string kept_file(std::size_t i) { return "kept-" + std::to_string(i) + ".ndjson"; }

}  // namespace stream
