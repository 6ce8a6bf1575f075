// The tests of a manifest: each planned and run as a small job of its own, in a folder that is gone afterwards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/job_runner.h"
#include "supervisor/plan.h"
#include "supervisor/row_match.h"

namespace stream {

// A folder below $TMPDIR, else in memory where that can be, removed with all it holds.
class TestFolder {
 public:
  static Result<std::unique_ptr<TestFolder>> make();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TestFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Plans a test. What is wrong with it, expected columns that there are not as well, is added to `problems`.
std::optional<JobPlan> plan_test(const PipelineSpec& pipeline, const PipelineTest& test, const std::string& folder,
                                 Catalogue& catalogue, Problems& problems);

struct TestOutcome {
  std::string failure = {};            // why it did not come to its end; "" = it did
  std::vector<RowMatch> matches = {};  // of each `expect`
  std::vector<std::string> log = {};   // warnings and errors of its stages
  bool interrupted = false;
  bool passed() const;
};

// Runs a planned test. `signals`: of open_signals(). Sets STREAM_HOME to the folder.
Result<TestOutcome> run_test(const PipelineTest& test, JobPlan plan, const std::string& folder, Microseconds timeout,
                             int signals);

}  // namespace stream
