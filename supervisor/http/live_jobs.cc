#include "supervisor/http/live_jobs.h"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "snapshot/checkpoint.h"
#include "supervisor/job_client.h"
#include "supervisor/job_log.h"
#include "supervisor/job_news.h"
#include "transport/base/files.h"

namespace stream::http {
namespace {

constexpr Microseconds kFresh = 250'000;         // of a job that runs
constexpr Microseconds kFreshEnded = 2'000'000;  // of one that does not
constexpr std::size_t kKnownMax = 10'000;

}  // namespace

struct LiveJobs::Known {
  std::mutex mutex;  // held while it is asked for
  std::optional<Result<SharedJson>> answer;
  Microseconds at_us = 0;
  bool running = false;
  SharedPlan plan;     // where the answer is the text of one
  SharedJson plan_of;  // … which it was taken from
};

Result<SharedJson> LiveJobs::know(const std::string& job, const std::string& what,
                                  const std::function<Result<Json>()>& ask) {
  std::shared_ptr<Known> known;
  {
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kKnownMax) known_.clear();  // of jobs that are long gone
    auto& place = known_[job + ' ' + what];
    if (!place) place = std::make_shared<Known>();
    known = place;
  }
  const bool runs = JobLock::runs(job_paths(job));
  const std::lock_guard lock(known->mutex);
  const Microseconds now = system_clock().monotonic_us();
  const Microseconds fresh = runs ? kFresh : kFreshEnded;
  if (known->answer && known->running == runs && now - known->at_us < fresh) return *known->answer;
  auto answer = ask();
  const bool same = answer.ok() && known->answer && known->answer->ok() && ***known->answer == *answer;
  if (!same)
    known->answer = answer.ok() ? Result<SharedJson>(std::make_shared<const Json>(*std::move(answer)))
                                : Result<SharedJson>(std::move(answer).status());
  known->at_us = system_clock().monotonic_us();
  known->running = runs;
  return *known->answer;
}

void LiveJobs::forget(const std::string& job) {
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [&](const auto& one) { return job.empty() || one.first.starts_with(job + ' '); });
}

std::vector<std::string> LiveJobs::names() {
  std::vector<std::string> jobs = list_jobs();
  if (!only_.empty()) std::erase_if(jobs, [this](const std::string& job) { return job != only_; });
  return jobs;
}

Result<SharedJson> LiveJobs::summary(const std::string& job) {
  return know(job, "summary", [&] { return job_summary(job_paths(job)); });
}

Result<SharedJson> LiveJobs::stats(const std::string& job) {
  return know(job, "stats", [&] { return stats_of_job(job_paths(job)); });
}

Result<SharedJson> LiveJobs::metrics(const std::string& job) {
  return know(job, "metrics", [&] { return metrics_of_job(job_paths(job)); });
}

Result<SharedJson> LiveJobs::list(const std::string& job, const std::string& what) {
  return know(job, what, [&] { return list_of_job(job_paths(job), what); });
}

std::map<std::int64_t, std::string> LiveJobs::kept_checkpoints(const std::string& job) {
  const std::string folder = job_paths(job).checkpoints();
  const auto epochs = list_checkpoints(system_files(), folder);
  std::map<std::int64_t, std::string> kept;
  if (!epochs.ok()) return kept;  // none has been taken
  for (const Epoch epoch : *epochs) kept[static_cast<std::int64_t>(epoch.value())] = index_path(folder, epoch);
  return kept;
}

// Taken apart once for each text of it.
Result<SharedPlan> LiveJobs::plan(const std::string& job) {
  STREAM_ASSIGN(const SharedJson text, know(job, "plan", [&] { return plan_text_of_job(job_paths(job)); }));
  std::shared_ptr<Known> known;
  {
    const std::lock_guard lock(mutex_);
    auto& place = known_[job + " plan"];
    if (!place) place = std::make_shared<Known>();  // it was forgotten meanwhile
    known = place;
  }
  const std::lock_guard lock(known->mutex);
  if (known->plan && known->plan_of == text) return known->plan;
  STREAM_ASSIGN(JobPlan plan, plan_from_json(text->get_ref<const std::string&>()));
  known->plan = std::make_shared<const JobPlan>(std::move(plan));
  known->plan_of = text;
  return known->plan;
}

Result<Json> LiveJobs::news(const std::string& job, Microseconds since, bool stats) {
  return news_of_job(job_paths(job), since, stats);
}

namespace {

// Before the first is written there are none.
template <class T, class Read>
Result<std::vector<T>> read_history(const std::string& job, Read read) {
  const auto store = HistoryStore::look(history_file(job_paths(job).folder));
  if (store.ok()) return read(**store);
  if (store.status().code() == Code::kNotFound) return std::vector<T>();
  return store.status();
}

}  // namespace

Result<std::vector<HistoryColumn>> LiveJobs::history_columns(const std::string& job) {
  return read_history<HistoryColumn>(job, [](HistoryStore& store) { return store.columns(); });
}

Result<std::vector<HistorySeries>> LiveJobs::history(const std::string& job, const HistoryWish& wish) {
  return read_history<HistorySeries>(job, [&](HistoryStore& store) { return store.read(wish); });
}

std::string LiveJobs::stored_mark(const std::string& job) {
  const JobPaths paths = job_paths(job);
  if (JobLock::runs(paths)) return "";
  std::string mark = "stored";
  for (const char* suffix : {"", "-wal", "-journal"}) {
    struct stat info {};
    if (::stat((paths.store() + suffix).c_str(), &info) != 0) continue;
    for (const auto part :
         {static_cast<std::int64_t>(info.st_ino), static_cast<std::int64_t>(info.st_size),
          static_cast<std::int64_t>(info.st_mtim.tv_sec), static_cast<std::int64_t>(info.st_mtim.tv_nsec)})
      mark += ' ' + std::to_string(part);
  }
  return mark;
}

std::map<std::string, std::string> LiveJobs::logs(const std::string& job) {
  std::map<std::string, std::string> files;
  const std::string folder = job_paths(job).logs();
  const auto names = system_files().list(folder);
  if (!names.ok()) return files;
  for (const std::string& name : *names) {
    if (name.starts_with("stream.") && name.ends_with(".log")) files.emplace(job + "." + name, folder + "/" + name);
  }
  return files;
}

}  // namespace stream::http
