#include "cli/live_state.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "snapshot/point_lookup.h"
#include "supervisor/job_client.h"
#include "supervisor/plan.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

constexpr Microseconds kPatience = 10'000'000;  // an instance answers between two batches
constexpr int kLookEvery = 100;                 // milliseconds, at whether the job still runs

bool can_be_asked(const TableSpec& spec) {
  return spec.distribution == Distribution::kKeyed || spec.distribution == Distribution::kSplit ||
         spec.distribution == Distribution::kBroadcast;
}

}  // namespace

Result<std::unique_ptr<LiveJob>> LiveJob::open(const JobPaths& job) {
  if (!JobLock::runs(job))
    return failed("job '" + job.job + "' does not run; without --live its newest checkpoint answers");
  std::unique_ptr<LiveJob> live(new LiveJob(job));
  STREAM_TRY(live->read_plan());
  live->state_.look_up = [at = live.get()](const ViewedTable& table, const Batch& key) {
    return at->look_up(table, key);
  };
  return live;
}

Status LiveJob::read_plan() {
  STREAM_ASSIGN(const auto answer, ask_job(job_, {{"verb", "plan"}}, kQuickAnswer));
  STREAM_ASSIGN(const JobPlan plan, plan_from_json(answer.value("plan", "")));
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    for (const TableSpec& spec : plan.stages[i].answer.state) {
      if (can_be_asked(spec)) state_.tables.push_back({plan.pipeline.stages[i].name, spec, "", false, false});
    }
  }
  name_tables(state_.tables);
  return {};
}

Result<std::optional<Batch>> LiveJob::look_up(const ViewedTable& table, const Batch& key) {
  STREAM_ASSIGN(const auto listener, TapListener::make(job_.sockets() + "/lookup-" + std::to_string(::getpid())));
  const nlohmann::json request = {{"verb", "lookup"},
                                  {"stage", table.stage},
                                  {"table", table.spec.name},
                                  {"key", texts_of_row(key, 0)},
                                  {"socket", listener->path()}};
  STREAM_TRY(ask_job(job_, request, kQuickAnswer).status());
  STREAM_ASSIGN(const std::string text, wait_for_answer(*listener));
  const nlohmann::json row = nlohmann::json::parse(text, nullptr, false);
  if (row.is_null()) return std::optional<Batch>();
  STREAM_ASSIGN(Batch batch, row_of_texts(table.spec, row, table.spec.columns()));
  return std::optional<Batch>(std::move(batch));
}

Result<std::string> LiveJob::wait_for_answer(TapListener& listener) const {
  const Microseconds deadline = system_clock().monotonic_us() + kPatience;
  std::optional<TapListener::Line> answer;
  const auto take = [&](const TapListener::Line& line) {
    answer = line;
    return false;
  };
  while (!answer) {
    if (system_clock().monotonic_us() > deadline)
      return failed("the instance does not answer: it is busy, starting anew, or of a stage that cannot");
    const bool running = JobLock::runs(job_);
    STREAM_TRY(listener.wait(kLookEvery, take).status());
    if (!answer && !running) return failed("job '" + job_.job + "' has ended");
  }
  if (answer->kind == 'R') return answer->text;
  return failed(answer->text);
}

}  // namespace stream
