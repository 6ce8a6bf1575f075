#include "supervisor/manifest_tests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/instant_text.h"
#include "supervisor/manifest_node.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string quoted(const std::string& text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); }

std::string number_or_word(const Node& node) {
  if (!node.plain) return quoted(node.text);
  if (node.text == "~") return "null";
  const bool json_word = json::accept(node.text) && !node.text.starts_with('"');
  return json_word ? node.text : quoted(node.text);
}

// The columns of a map, `_op` first.
std::string row_json(const Node& row) {
  std::string out;
  const auto add = [&](std::size_t i) {
    out += (out.empty() ? "" : ",") + quoted(row.keys[i].text) + ":" + typed_json(row.items[i]);
  };
  for (const bool op : {true, false}) {
    for (std::size_t i = 0; i < row.keys.size(); ++i) {
      if ((row.keys[i].text == "_op") == op) add(i);
    }
  }
  return "{" + out + "}";
}

class TestReader {
 public:
  TestReader(const PipelineSpec& pipeline, const std::vector<StageScope>& scopes, Catalogue& catalogue,
             Problems& problems)
      : pipeline_(pipeline), scopes_(scopes), catalogue_(catalogue), problems_(problems) {
    for (const StageSpec& stage : pipeline.stages) names_.push_back(stage.name);
    for (const StageScope& scope : scopes) names_.push_back(scope.prefix.substr(0, scope.prefix.size() - 1));
  }

  PipelineTest read_test(const Node& node) {
    PipelineTest test{.name = {}, .at = node.at, .given = {}, .expect = {}};
    if (!check_map(node, "a test", keys_of("tests"), problems_)) return test;
    read(node, "name", test.name, problems_);
    if (test.name.empty()) problems_.add(node.at, "a test needs a 'name'");
    if (const Node* given = node.find("given")) test.given = read_all(*given, "given", true);
    const Node* expect = node.find("expect");
    if (expect == nullptr) {
      problems_.add(node.at, "test '" + test.name + "' expects nothing; name a stage under 'expect'");
    } else {
      test.expect = read_all(*expect, "expect", false);
    }
    return test;
  }

 private:
  std::vector<TestRows> read_all(const Node& node, const char* what, bool given) {
    std::vector<TestRows> all;
    if (!node.is_map() || node.keys.empty()) {
      problems_.add(node.at, std::string("'") + what + "' must be a map from a stage to rows");
      return all;
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      TestRows rows = read_place(node.keys[i]);
      look_behind_includes(rows);
      check_stage(rows, given);
      read_rows(node.items[i], given, rows);
      all.push_back(std::move(rows));
    }
    return all;
  }

  static TestRows read_place(const Node& key) {
    const std::size_t dot = key.text.find('.');
    TestRows rows;
    rows.stage = key.text.substr(0, dot);
    rows.output = dot == std::string::npos ? "" : key.text.substr(dot + 1);
    rows.at = key.at;
    return rows;
  }

  void look_behind_includes(TestRows& rows) const {
    const InputRef named{.stage = rows.stage, .output = rows.output.empty() ? "out" : rows.output, .at = rows.at};
    const InputRef meant = behind_includes(named, scopes_);
    if (meant.stage == rows.stage) return;
    rows.stage = meant.stage;
    rows.output = meant.output == "out" ? "" : meant.output;
  }

  // The name of an include that leads to no stage.
  std::string not_a_stage(const std::string& name) const {
    const auto scope = std::ranges::find(scopes_, name + "/", &StageScope::prefix);
    if (scope == scopes_.end()) return "no stage '" + name + "'" + did_you_mean(name, names_);
    std::vector<std::string> outputs;
    for (const auto& [output, target] : scope->outputs) outputs.push_back(output);
    return "include '" + name + "' has no such output; it has " + join(outputs, ", ");
  }

  void check_stage(const TestRows& rows, bool given) {
    const StageSpec* stage = pipeline_.find(rows.stage);
    if (stage == nullptr) return problems_.add(rows.at, not_a_stage(rows.stage));
    const auto found = catalogue_.find(stage->run);
    const StageInfo* info = found.ok() ? *found : nullptr;
    if (info == nullptr) return;  // reported where it was read
    if (given && info->role == StageRole::kSink) {
      problems_.add(rows.at, "'" + rows.stage + "' is a sink: give rows to what it reads");
    }
    if (given && info->role == StageRole::kOperator && !rows.output.empty()) check_input(*stage, rows);
    if (!given && info->role == StageRole::kSink && !rows.output.empty()) {
      problems_.add(rows.at, "'" + rows.stage + "' is a sink: expect '" + rows.stage + "', the rows that reach it");
    }
  }

  void check_input(const StageSpec& stage, const TestRows& rows) {
    std::vector<std::string> inputs;
    for (const InputRef& ref : stage.from) inputs.push_back(ref.name);
    if (std::ranges::find(inputs, rows.output) != inputs.end()) return;
    std::erase(inputs, "");
    problems_.add(rows.at,
                  "stage '" + stage.name + "' has no input '" + rows.output + "'" +
                      (inputs.empty() ? "; give '" + stage.name + "' its rows" : did_you_mean(rows.output, inputs)));
  }

  void read_rows(const Node& node, bool given, TestRows& rows) {
    const Node* list = &node;
    if (node.is_map()) {
      check_map(node, "'" + rows.stage + "'", keys_of(given ? "tests.given" : "tests.expect"), problems_);
      read_settings_of(node, given, rows);
      list = node.find("rows");
      if (list == nullptr) return problems_.add(node.at, "'rows' is missing");
    }
    if (!list->is_list()) return problems_.add(list->at, "rows must be a list, not " + kind_text(*list));
    for (const Node& row : list->items) read_row(row, given, rows);
  }

  void read_settings_of(const Node& node, bool given, TestRows& rows) {
    if (!given) return read_flag(node, "ordered", rows.ordered, problems_);
    for (const std::string& key : names_of(keys_of("tests.given"))) {
      const Node* value = node.find(key);
      if (key == "rows" || value == nullptr) continue;
      std::vector<std::string> texts;
      read(node, key.c_str(), texts, problems_);
      rows.options[key] = join(texts, ",");
    }
  }

  void read_row(const Node& row, bool given, TestRows& rows) {
    std::string line;
    if (row.is_map() && given && row.keys.size() == 1 && row.keys[0].text == "watermark") {
      if (!instant_of(row.items[0].text))
        problems_.add(row.items[0].at, "a watermark is a time, such as 2026-01-31T12:00:00Z");
      line = R"({"_watermark":)" + quoted(row.items[0].text) + "}";
    } else if (row.is_map()) {
      line = row_json(row);
    } else if (row.is_scalar() && given) {
      line = R"({"_text":)" + quoted(row.text) + "}";
    } else {
      return problems_.add(row.at, "a row must be a map from column to value, not " + kind_text(row));
    }
    rows.lines.push_back(std::move(line));
    rows.line_places.push_back(row.at);
  }

  const PipelineSpec& pipeline_;
  const std::vector<StageScope>& scopes_;
  Catalogue& catalogue_;
  Problems& problems_;
  std::vector<std::string> names_;
};

}  // namespace

std::string typed_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return "null";
    case Node::Kind::kScalar: return number_or_word(node);
    case Node::Kind::kMap: return row_json(node);
    case Node::Kind::kList: break;
  }
  std::string out;
  for (const Node& item : node.items) out += (out.empty() ? "" : ",") + typed_json(item);
  return "[" + out + "]";
}

std::vector<PipelineTest> read_tests(const Node& tests, const PipelineSpec& pipeline,
                                     const std::vector<StageScope>& scopes, Catalogue& catalogue, Problems& problems) {
  std::vector<PipelineTest> out;
  if (!tests.is_list()) {
    problems.add(tests.at, "'tests' must be a list, not " + kind_text(tests));
    return out;
  }
  TestReader reader(pipeline, scopes, catalogue, problems);
  for (const Node& node : tests.items) {
    PipelineTest test = reader.read_test(node);
    if (!test.name.empty() && std::ranges::find(out, test.name, &PipelineTest::name) != out.end()) {
      problems.add(test.at, "test '" + test.name + "' stands twice");
    }
    out.push_back(std::move(test));
  }
  return out;
}

}  // namespace stream
