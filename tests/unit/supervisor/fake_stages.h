// Stage programs for tests: what they say about themselves, and what they answer.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "supervisor/manifest.h"
#include "supervisor/plan.h"
#include "supervisor/stage_answer.h"
#include "transport/base/text.h"

namespace stream::testing {

class FakeCatalogue final : public Catalogue {
 public:
  FakeCatalogue() {
    add("read-file", StageRole::kSource, 0,
        {positional("path", "path", true), flag("follow"), option("format", "text")});
    add("filter", StageRole::kOperator, 1, {positional("where", "expression", true)});
    add("select", StageRole::kOperator, 1, {positional("columns", "select", true)});
    add("aggregate", StageRole::kOperator, 1,
        {positional("compute", "select", true), option("by", "columns"), option("window", "window"),
         option("lateness", "duration")});
    add("join", StageRole::kOperator, 2,
        {positional("columns", "select", false), option("on", "expression"), option("kind", "choice")});
    add("write-sqlite", StageRole::kSink, 1,
        {positional("path", "path", true), option("table", "text"), option("key", "columns")});
    add("write-file", StageRole::kSink, 1, {positional("path", "path", true)});
    add("write-http", StageRole::kSink, 1, {option("url", "text"), option("token", "secret")});
    add("read-kafka", StageRole::kSource, 0,
        {repeated("topics", "text"), repeated("hook", "path"), option("topic", "text"), option("format", "text")});
    add("route", StageRole::kOperator, 1, {option("routes", "select")});
    add("read-postgres", StageRole::kSource, 0,
        {option("dsn", "secret"), option("mode", "choice"), option("tables", "columns")});
    add("print", StageRole::kSink, 1, {option("format", "text")});
  }

  Result<const StageInfo*> find(std::string_view name) override {
    const auto it = stages_.find(name);
    return it == stages_.end() ? nullptr : &it->second;
  }

  std::vector<std::string> names() override {
    std::vector<std::string> names;
    for (const auto& [name, info] : stages_) names.push_back(name);
    return names;
  }

 private:
  static OptionInfo option(std::string name, std::string kind) {
    return {.name = std::move(name), .kind = std::move(kind), .arg = "X"};
  }
  static OptionInfo flag(std::string name) { return option(std::move(name), "flag"); }
  static OptionInfo positional(std::string name, std::string kind, bool required) {
    OptionInfo info = option(std::move(name), std::move(kind));
    info.positional = true;
    info.required = required;
    return info;
  }
  static OptionInfo repeated(std::string name, std::string kind) {
    OptionInfo info = option(std::move(name), std::move(kind));
    info.repeated = true;
    return info;
  }
  void add(std::string name, StageRole role, std::size_t inputs_max, std::vector<OptionInfo> options) {
    stages_[name] = {.name = name,
                     .version = "1",
                     .summary = "does " + name,
                     .role = role,
                     .inputs_max = inputs_max,
                     .outputs = {"out"},
                     .options = std::move(options),
                     .executable = "/stages/stream-" + name};
  }

  std::map<std::string, StageInfo, std::less<>> stages_;
};

// Files that a test holds in memory; only reading works.
class FakeFiles final : public Files {
 public:
  std::map<std::string, std::string> texts;

  Result<std::string> read_file(const std::string& path) override {
    const auto it = texts.find(path);
    if (it == texts.end()) return system_error("open", path, 2);
    return it->second;
  }
  Status write_file(const std::string&, std::string_view) override { return failed("read-only"); }
  Status sync_file(const std::string&) override { return failed("read-only"); }
  Status sync_dir(const std::string&) override { return failed("read-only"); }
  Status rename(const std::string&, const std::string&) override { return failed("read-only"); }
  Status remove(const std::string&) override { return failed("read-only"); }
  Status make_dir(const std::string&) override { return failed("read-only"); }
  Status truncate(const std::string&, std::uint64_t) override { return failed("read-only"); }
  Result<std::vector<std::string>> list(const std::string&) override { return failed("read-only"); }
};

struct Loaded {
  std::vector<PipelineSpec> pipelines;
  std::string problems;
};

inline Loaded load(const std::string& text, Overrides overrides = {}, FakeFiles files = {}) {
  FakeCatalogue catalogue;
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME") return "/home/me";
    return std::nullopt;
  };
  Problems problems;
  Loaded loaded;
  loaded.pipelines =
      load_manifest({text, "m.yaml", "/data"}, {catalogue, files, environment, std::move(overrides)}, problems);
  loaded.problems = problems.text();
  return loaded;
}

// Answers by the stage's name in the manifest; records what was asked.
class FakeAsker final : public StageAsker {
 public:
  std::map<std::string, std::function<StageAnswer(const StageQuestion&)>> answers;
  std::map<std::string, StageQuestion> asked;

  Result<StageAnswer> ask(const StageInfo&, const StageQuestion& question) override {
    asked[question.stage] = question;
    const auto it = answers.find(question.stage);
    if (it == answers.end()) return failed("not prepared for '" + question.stage + "'");
    return it->second(question);
  }
};

}  // namespace stream::testing
