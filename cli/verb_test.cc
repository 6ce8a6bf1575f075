#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/manifest_test.h"
#include "cli/pipeline_argument.h"
#include "cli/run_job.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kDifferencesMax = 20;  // of one list of rows; the rest are counted

// Words of a terminal, "" elsewhere.
struct Colours {
  std::string good, bad, gone, come, end;
};

Colours colours() {
  if (!terminal().colour) return {};
  return {"\033[32m", "\033[1;31m", "\033[31m", "\033[32m", "\033[0m"};
}

std::string place_of(const TestRows& rows) { return rows.stage + (rows.output.empty() ? "" : "." + rows.output); }

// The row, with the columns that differ in colour.
std::string row_text(const std::string& row, const std::vector<std::string>& columns, const std::string& colour,
                     const Colours& use) {
  const ordered_json json = ordered_json::parse(row);
  std::string out;
  for (const auto& [name, value] : json.items()) {
    const bool differs = std::ranges::find(columns, name) != columns.end();
    out += (out.empty() ? "" : ", ") + (differs ? colour : "") + name + ": " +
           value.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + (differs ? use.end : "");
  }
  return out;
}

void print_difference(const RowDifference& difference, const Colours& use) {
  const auto line = [&](char sign, const std::string& row, const std::string& colour, const char* note) {
    std::printf("      %s%c%s %s%s\n", colour.c_str(), sign, use.end.c_str(),
                row_text(row, difference.columns, colour, use).c_str(), note);
  };
  const bool changed = difference.kind == RowDifference::Kind::kChanged;
  if (!difference.expected.empty()) line('-', difference.expected, use.gone, changed ? "" : "   (did not come)");
  if (!difference.actual.empty()) line('+', difference.actual, use.come, changed ? "" : "   (not expected)");
}

void print_match(const TestRows& rows, const RowMatch& match, const Colours& use) {
  if (match.differences.empty()) return;
  std::printf("    %s: %zu of %zu rows as expected (%s)\n", place_of(rows).c_str(), match.equal, rows.lines.size(),
              to_string(rows.at).c_str());
  std::size_t shown = 0;
  for (const RowDifference& difference : match.differences) {
    if (shown++ == kDifferencesMax) break;
    print_difference(difference, use);
  }
  if (match.differences.size() > kDifferencesMax)
    std::printf("      … and %zu more\n", match.differences.size() - kDifferencesMax);
}

void print_outcome(const PipelineTest& test, const TestOutcome& outcome, Microseconds took, const Colours& use) {
  const bool passed = outcome.passed();
  std::printf("%s%s%s  %s (%lld ms)\n", (passed ? use.good : use.bad).c_str(), passed ? "ok    " : "FAILED",
              use.end.c_str(), test.name.c_str(), static_cast<long long>(took / 1000));
  if (passed) return;
  if (!outcome.failure.empty()) std::printf("    %s\n", outcome.failure.c_str());
  for (std::size_t i = 0; i < outcome.matches.size(); ++i) print_match(test.expect[i], outcome.matches[i], use);
  for (const std::string& line : outcome.log) {
    if (line != outcome.failure) std::printf("    note: %s\n", line.c_str());
  }
}

ordered_json to_json(const TestRows& rows, const RowMatch& match) {
  static constexpr const char* kKinds[] = {"changed", "missing", "unexpected"};
  ordered_json differences = ordered_json::array();
  for (const RowDifference& difference : match.differences) {
    ordered_json one = {{"kind", kKinds[static_cast<std::size_t>(difference.kind)]}};
    if (!difference.expected.empty()) one["expected"] = ordered_json::parse(difference.expected);
    if (!difference.actual.empty()) one["actual"] = ordered_json::parse(difference.actual);
    if (!difference.columns.empty()) one["columns"] = difference.columns;
    differences.push_back(std::move(one));
  }
  return {
      {"of", place_of(rows)}, {"expected", rows.lines.size()}, {"equal", match.equal}, {"differences", differences}};
}

void print_json(const std::string& pipeline, const PipelineTest& test, const TestOutcome& outcome, Microseconds took) {
  ordered_json out = {{"pipeline", pipeline}, {"test", test.name},          {"file", test.at.file},
                      {"line", test.at.line}, {"passed", outcome.passed()}, {"ms", took / 1000}};
  if (!outcome.failure.empty()) out["failure"] = outcome.failure;
  out["rows"] = ordered_json::array();
  for (std::size_t i = 0; i < outcome.matches.size(); ++i)
    out["rows"].push_back(to_json(test.expect[i], outcome.matches[i]));
  out["log"] = outcome.log;
  std::printf("%s\n", out.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

struct Planned {
  const PipelineSpec* pipeline;
  const PipelineTest* test;
  std::string folder;
  JobPlan plan;
};

class TestVerb {
 public:
  TestVerb(const VerbValues& values, PipelineArgument& argument, std::string folder)
      : values_(values), argument_(argument), folder_(std::move(folder)) {}

  // Plans before anything runs: what is wrong is said first.
  Status plan(const std::vector<PipelineSpec>& pipelines) {
    std::vector<std::string> names;
    for (const PipelineSpec& pipeline : pipelines) {
      for (const PipelineTest& test : pipeline.tests) {
        names.push_back(test.name);
        if (!wanted(test)) continue;
        const std::string folder = folder_ + "/" + std::to_string(planned_.size());
        STREAM_TRY(system_files().make_dir(folder));
        auto plan = plan_test(pipeline, test, folder, argument_.catalogue(), argument_.problems());
        if (plan) planned_.push_back({&pipeline, &test, folder, *std::move(plan)});
      }
    }
    STREAM_TRY(argument_.problems().status());
    if (!planned_.empty()) return {};
    if (names.empty()) return usage_error("the manifest has no 'tests'; see stream-manifest(5)");
    return usage_error("there is no such test; there are '" + join(names, "', '") + "'");
  }

  Result<bool> run() {
    const int signals = open_signals();
    const Colours use = colours();
    std::size_t passed = 0;
    for (Planned& planned : planned_) {
      const Microseconds began = system_clock().monotonic_us();
      STREAM_ASSIGN(const TestOutcome outcome, run_test(*planned.test, std::move(planned.plan), planned.folder,
                                                        values_.duration("timeout"), signals));
      const Microseconds took = system_clock().monotonic_us() - began;
      if (values_.flag("json"))
        print_json(planned.pipeline->name, *planned.test, outcome, took);
      else
        print_outcome(*planned.test, outcome, took, use);
      std::fflush(stdout);
      if (outcome.passed()) ++passed;
      if (outcome.interrupted) return false;
    }
    if (!values_.flag("json")) { std::printf("%zu passed, %zu failed\n", passed, planned_.size() - passed); }
    return passed == planned_.size();
  }

 private:
  bool wanted(const PipelineTest& test) const {
    const std::vector<std::string>& tests = values_.list("name");
    return tests.empty() || std::ranges::find(tests, test.name) != tests.end();
  }

  const VerbValues& values_;
  PipelineArgument& argument_;
  std::string folder_;
  std::vector<Planned> planned_;
};

int run(const VerbValues& values) {
  PipelineArgument argument(values);
  argument.ignore_name();
  const auto pipelines = argument.read();
  if (!pipelines.ok()) return argument.fail("test", pipelines.status());
  const auto folder = TestFolder::make();
  if (!folder.ok()) return fail("test", folder.status());
  TestVerb verb(values, argument, (*folder)->path());
  if (const Status planned = verb.plan(*pipelines); !planned.ok()) return argument.fail("test", planned);
  const auto passed = verb.run();
  if (!passed.ok()) return fail("test", passed.status());
  return *passed ? kDone : kNo;
}

constexpr VerbOption kOptions[] = {
    {.name = "pipeline",
     .arg = "MANIFEST",
     .doc = "A manifest (.yaml, .yml, .json), or - for standard input.",
     .kind = ValueKind::kPipeline,
     .positional = true,
     .required = true},
    {.name = "parameter",
     .letter = 'p',
     .arg = "NAME=VALUE",
     .doc = "Set a parameter of the manifest.",
     .repeated = true},
    {.name = "set",
     .arg = "PATH=VALUE",
     .doc = "Set anything in the manifest, such as stages.errors.where='x > 1'.",
     .repeated = true},
    VerbOption{.name = "name", .arg = "TEST", .doc = "Run the test of this name only.", .repeated = true},
    VerbOption{.name = "timeout",
               .arg = "DURATION",
               .doc = "How long a test may take.",
               .kind = ValueKind::kDuration,
               .fallback = "30s"},
    json_option("Print JSON, a line a test."),
};

constexpr VerbExample kExamples[] = {
    {"stream test manifests/web-errors.yaml", "Runs all tests of the manifest."},
    {"stream test web.yaml --name 'a late row goes to late'", "Runs one of them."},
    {"stream test --json web.yaml | jq -r 'select(.passed | not) | .test'", "Names those that fail."},
};

}  // namespace

const VerbTable kTestVerb = {
    .description =
        "Runs what a manifest has under 'tests:', see stream-manifest(5). Each test feeds the given rows to the real "
        "stages and compares what they make with the rows that are expected. Sources get the given rows instead of "
        "what they would read, and sinks are not started, so no server is needed. What a test writes stands in a "
        "folder below $TMPDIR, or in memory, until it is over.\n\n"
        "Of a test that fails the rows are printed that differ: with - what was expected, with + what came; rows "
        "that have most columns in common stand together. What stages warned of follows.\n\n"
        "'stream check' finds what is wrong with tests without running them.",
    .options = kOptions,
    .examples = kExamples,
    .no = "A test has failed.",
    .run = run,
};

}  // namespace stream
