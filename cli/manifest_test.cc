#include "cli/manifest_test.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "cli/pipeline_argument.h"
#include "cli/run_job.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/test_pipeline.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// What reaches the stage that keeps rows.
const Schema& kept_schema(const JobPlan& plan, std::size_t expected) {
  const std::string name = keeper_name(expected);
  const auto stage = std::ranges::find(plan.pipeline.stages, name, &StageSpec::name);
  return plan.stages[static_cast<std::size_t>(stage - plan.pipeline.stages.begin())].inputs[0].schema;
}

void report_unknown_columns(const TestRows& rows, const Schema& schema, Problems& problems) {
  for (const auto& [row, name] : unknown_columns(schema, rows.lines)) {
    problems.add(rows.line_places[row], "'" + rows.stage + (rows.output.empty() ? "" : "." + rows.output) +
                                            "' has no column '" + name + "'" + did_you_mean(name, schema.names()));
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines = split(text, '\n');
  std::erase(lines, "");
  return lines;
}

Result<std::vector<RowMatch>> match_all(const PipelineTest& test, const JobPlan& plan, const std::string& folder) {
  std::vector<RowMatch> out;
  for (std::size_t i = 0; i < test.expect.size(); ++i) {
    auto text = system_files().read_file(folder + "/" + kept_file(i));
    if (!text.ok() && text.status().code() != Code::kNotFound) return text.status();
    out.push_back(match_rows(kept_schema(plan, i), test.expect[i].lines, lines_of(text.ok() ? *text : ""),
                             test.expect[i].ordered));
  }
  return out;
}

// Says why the job ended otherwise than by having done everything.
std::string failure_of(JobState state, const JobRunner& job, bool late, Microseconds timeout) {
  if (late) return "not done within " + format_duration(timeout);
  if (job.interrupted()) return "interrupted";
  return state == JobState::kFinished ? "" : job.record().reason;
}

}  // namespace

Result<std::unique_ptr<TestFolder>> TestFolder::make() {
  const char* parent = std::getenv("TMPDIR");
  const char* fallback = ::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";  // nothing has to survive
  std::string path = std::string(parent == nullptr || *parent == '\0' ? fallback : parent) + "/stream-test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return system_error("make", path, errno);
  return std::unique_ptr<TestFolder>(new TestFolder(std::move(path)));
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::optional<JobPlan> plan_test(const PipelineSpec& pipeline, const PipelineTest& test, const std::string& folder,
                                 Catalogue& catalogue, Problems& problems) {
  Problems own;
  TestPipeline made = make_test_pipeline(pipeline, test, folder, catalogue, own);
  made.spec.name = "test";
  for (const auto& [name, text] : made.files) {
    const Status written = system_files().write_file(folder + "/" + name, text);
    if (!written.ok()) own.add(test.at, written.what());
  }
  std::optional<JobPlan> plan;
  if (own.empty()) {
    ProcessAsker asker(cache_folder(), system_files());
    plan = make_plan(std::move(made.spec), catalogue, asker, machine_limits(), own);
  }
  if (own.empty()) {
    for (std::size_t i = 0; i < test.expect.size(); ++i) {
      report_unknown_columns(test.expect[i], kept_schema(*plan, i), own);
    }
  }
  if (own.empty()) return plan;
  for (const Problem& problem : own.sorted()) problems.add(problem.at, problem.message);
  return std::nullopt;
}

bool TestOutcome::passed() const {
  return failure.empty() && std::ranges::all_of(matches, [](const RowMatch& m) { return m.differences.empty(); });
}

Result<TestOutcome> run_test(const PipelineTest& test, JobPlan plan, const std::string& folder, Microseconds timeout,
                             int signals) {
  ::setenv("STREAM_HOME", (folder + "/home").c_str(), 1);
  RunRequest request;
  request.plan = plan;
  request.manifest = pipeline_to_json(plan.pipeline);
  request.fresh = true;
  const JobPaths paths = job_paths(plan.pipeline.name);
  TestOutcome outcome;
  {
    STREAM_ASSIGN(const auto job, JobRunner::create(std::move(request)));
    const Microseconds deadline = system_clock().monotonic_us() + timeout;
    bool late = false;
    job->watch_signals(signals);
    job->log().on_line([&](const LogLine& line) {
      if (line.level >= LogLevel::kWarning)
        outcome.log.push_back((line.stage.empty() ? "" : line.stage + ": ") + line.message);
    });
    job->on_status([&](const JobRunner&) {
      if (late || system_clock().monotonic_us() < deadline) return;
      late = true;
      job->interrupt();
      job->interrupt();  // at once
    });
    STREAM_ASSIGN(const JobState state, job->run([](bool) {}));
    outcome.failure = failure_of(state, *job, late, timeout);
    outcome.interrupted = job->interrupted() && !late;
  }
  remove_job(paths);
  if (outcome.failure.empty()) { STREAM_ASSIGN(outcome.matches, match_all(test, plan, folder)); }
  return outcome;
}

}  // namespace stream
