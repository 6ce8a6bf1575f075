#include "supervisor/http/shared_jobs.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "supervisor/ha/candidacy.h"
#include "supervisor/http/manifest_text.h"
#include "supervisor/job_lock.h"
#include "supervisor/job_store.h"
#include "supervisor/standby_mark.h"

namespace stream::http {
namespace {

constexpr std::chrono::milliseconds kPause{500};

bool supervised_here(const std::string& job) {
  const JobPaths paths = job_paths(job);
  return JobLock::runs(paths) || standby_of(paths).has_value();
}

void warn(const std::string& text) { std::fprintf(stderr, "stream serve: warning: %s\n", text.c_str()); }

}  // namespace

Result<std::unique_ptr<SharedJobs>> SharedJobs::open(const std::string& text) {
  STREAM_ASSIGN(ha::Place place, ha::parse_place(text));
  std::string id = ha::this_candidate("", "").id;
  STREAM_ASSIGN(std::shared_ptr<ha::Coordination> coordination, ha::open_coordination(place, ha::Roll::kName, id));
  std::unique_ptr<SharedJobs> opened(new SharedJobs(std::move(place), std::move(coordination), std::move(id)));
  STREAM_TRY(opened->roll_.jobs().status());
  return opened;
}

std::vector<std::string> SharedJobs::options() const {
  const std::lock_guard lock(mutex_);
  return {"--ha", place_.text, "--advertise", url_};
}

void SharedJobs::advertise(const std::string& url) {
  const std::lock_guard lock(mutex_);
  url_ = url;
}

SharedJobs::~SharedJobs() { stop(); }

void SharedJobs::stop() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<StandbyKeeper::Known> SharedJobs::known(const std::string& job) const {
  STREAM_ASSIGN(const auto coordination, ha::open_coordination(place_, job, id_));
  STREAM_ASSIGN(const ha::Entry term_entry, coordination->read(ha::Register::kTerm));
  STREAM_ASSIGN(const ha::Term term, ha::term_of(term_entry.text));
  StandbyKeeper::Known known{.led = term.number != 0};
  if (term.ended) known.ended_for = system_clock().wall_us() - term.ended->at_us;
  STREAM_ASSIGN(const ha::Entry entry, coordination->read(ha::Register::kJob));
  const std::string essentials = ha::unstamped(entry.text);
  if (essentials.empty()) return known;
  STREAM_ASSIGN(const std::string submitted, manifest_in(essentials));
  STREAM_ASSIGN(const PipelineSpec pipeline, pipeline_from_json(submitted));
  known.manifest = manifest_text(pipeline);
  return known;
}

Result<ha::Term> SharedJobs::term_of(const std::string& job) const {
  STREAM_ASSIGN(const auto coordination, ha::open_coordination(place_, job, id_));
  STREAM_ASSIGN(const ha::Entry entry, coordination->read(ha::Register::kTerm));
  return ha::term_of(entry.text);
}

std::optional<SharedJob> SharedJobs::find(const std::string& wanted) {
  const auto jobs = roll_.jobs();
  for (const std::string& job : jobs.ok() ? *jobs : std::vector<std::string>()) {
    const auto term = term_of(job);
    if (!term.ok() || term->number == 0 || (job != wanted && term->job_id != wanted)) continue;
    return SharedJob{job, term->job_id, term->ended ? term->ended->state : ""};
  }
  return std::nullopt;
}

void SharedJobs::strike_unless_led(const std::string& job) {
  const auto there = known(job);
  if (there.ok() && !there->led) (void)roll_.remove(job);
}

void SharedJobs::keep(std::function<Status(const std::string& manifest)> stand_by) {
  StandbyKeeper keeper({
      .jobs = [this] { return roll_.jobs(); },
      .supervised_here = supervised_here,
      .known = [this](const std::string& job) { return known(job); },
      .stand_by = [begin = std::move(stand_by)](const std::string&,
                                                const std::string& manifest) { return begin(manifest); },
      .strike = [this](const std::string& job) { return roll_.remove(job); },
      .warn = warn,
  });
  thread_ = std::thread([this, moved = std::move(keeper)]() mutable { look_again_and_again(std::move(moved)); });
}

void SharedJobs::look_again_and_again(StandbyKeeper keeper) {
  std::unique_lock lock(mutex_);
  while (!over_) {
    lock.unlock();
    keeper.look(system_clock().monotonic_us());
    lock.lock();
    wake_.wait_for(lock, kPause, [&] { return over_; });
  }
}

}  // namespace stream::http
