#include "cli/run_standby.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "supervisor/succession.h"

namespace stream {
namespace {

// What of a request can be repeated: all but an input, which these jobs do not read.
RunRequest copy_of(const RunRequest& request) {
  RunRequest copy;
  copy.plan = request.plan;
  copy.manifest = request.manifest;
  copy.fresh = request.fresh;
  copy.from = request.from;
  copy.claim = request.claim;
  copy.back_to = request.back_to;
  copy.outputs = request.outputs;
  copy.accept_duplicates = request.accept_duplicates;
  copy.accept_drained = request.accept_drained;
  copy.drop_state = request.drop_state;
  return copy;
}

Status may_stand_by(const RunRequest& request) {
  const PipelineSpec& pipeline = request.plan.pipeline;
  if (pipeline.ad_hoc)
    return usage_error(
        "--ha needs a pipeline with a name, which all supervisors know it by: 'pipeline: NAME' or --name");
  if (stdin_stage(request.plan))
    return usage_error("--ha: standard input is read on one host, and no other can go on with it");
  if (pipeline.checkpoint.path.empty())
    return usage_error(
        "--ha needs checkpoints that every host reaches: 'checkpoint: {path: /shared/folder}' in the manifest");
  return {};
}

// A leader of this host before this one says nothing of the host.
std::vector<std::string> last_led_at(const ha::Candidate& last, const ha::Candidate& self) {
  if (last.host == self.host) return {};
  std::vector<std::string> known = last.addresses;
  known.push_back(last.host);
  return known;
}

// Waits; false when a signal has come that ends it.
bool pause(int signals, Microseconds time) {
  pollfd wake{signals, POLLIN, 0};
  if (::poll(&wake, 1, static_cast<int>(time / 1000)) <= 0) return true;
  signalfd_siginfo info{};
  if (::read(signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return true;
  return info.ssi_signo == SIGWINCH;
}

}  // namespace

Result<std::unique_ptr<StandbyRun>> StandbyRun::open(const RunRequest& request, const std::string& place,
                                                     const std::string& url, bool only_standby) {
  const JobPaths paths = job_paths(request.plan.pipeline.name);
  STREAM_ASSIGN(const ha::Place parsed, ha::parse_place(place));
  STREAM_TRY(may_stand_by(request));
  ha::Candidate self = ha::this_candidate(paths.folder, url);
  STREAM_ASSIGN(std::shared_ptr<ha::Coordination> coordination, ha::open_coordination(parsed, paths.job, self.id));
  auto candidacy = std::make_unique<ha::Candidacy>(std::move(coordination), parsed, std::move(self));
  STREAM_TRY(candidacy->see().status());
  std::unique_ptr<StandbyRun> run(new StandbyRun(request, std::move(candidacy)));
  if (only_standby) run->forget_beginning();
  return run;
}

StandbyRun::StandbyRun(const RunRequest& request, std::unique_ptr<ha::Candidacy> candidacy)
    : paths_(job_paths(request.plan.pipeline.name)), first_(copy_of(request)), candidacy_(std::move(candidacy)) {}

StandbyRun::Over StandbyRun::over(const ha::Ended& ended, bool begins) {
  const std::string reason = ended.reason.empty() ? "" : ": " + ended.reason;
  std::string why = "the job is " + ended.state + reason;
  if (begins) why += "; 'stream run --fresh' starts it anew";
  return {ended.state == "FAILED" ? kNo : kDone, why};
}

Status StandbyRun::wait_said(StandbyMark& mark, const Say& say) {
  const ha::Term& term = candidacy_->known();
  if (term.number == 0) {
    if (said_.empty()) say("stands by: nobody has led it yet");
    said_ = "nobody";
    return {};
  }
  const std::string leader = ha::text_of(term.leader);
  const std::string now =
      leader + " " + std::to_string(term.number) + " " + std::to_string(term.published) + " " + term.job_id;
  if (now == said_) return {};
  const bool same = said_.starts_with(leader + " " + std::to_string(term.number) + " ");
  said_ = now;
  if (!same) say("stands by: " + leader + " leads, term " + std::to_string(term.number));
  return mark.say({{"host", term.leader.host},
                   {"pid", term.leader.pid},
                   {"folder", term.leader.folder},
                   {"http", term.leader.http},
                   {"term", term.number},
                   {"id", term.job_id},
                   {"run", term.run},
                   {"checkpoint", term.published},
                   {"own_pid", ::getpid()},
                   {"since_us", system_clock().wall_us()}});
}

bool StandbyRun::anew() const {
  return begins_ && (first_.fresh || !first_.from.empty() || first_.back_to != Epoch(0));
}

// What was said of the beginning has been done, by whoever has led since.
void StandbyRun::forget_beginning() {
  begins_ = false;
  first_.fresh = first_.claim = first_.accept_duplicates = first_.accept_drained = first_.drop_state = false;
  first_.from.clear();
  first_.back_to = Epoch(0);
  first_.outputs = Outputs::kUnsaid;
}

// Who begins is given a plan, as by any `stream run`. Who has stood by goes on with the one that the last leader had.
Result<StandbyRun::Next> StandbyRun::take_over(const std::shared_ptr<ha::Tenure>& tenure) {
  RunRequest request = copy_of(first_);
  const ha::Term& term = tenure->term();
  if (!tenure->inherited().empty()) {
    const Estate estate{tenure->inherited(), term.run, Epoch(term.published), Epoch(term.reserved), anew()};
    STREAM_ASSIGN(const JobRecord record, succeed(system_files(), paths_, estate, tenure->place()));
    // It had said so where the job is kept, and died before it said so where leaders are.
    if (!resumable(record.state) && !anew() && !candidacy_->anew()) {
      STREAM_TRY(tenure->end(std::string(to_string(record.state)), record.reason));
      return Next(over({std::string(to_string(record.state)), record.reason, 0}, begins_));
    }
    if (!begins_) {
      STREAM_ASSIGN(request.plan, plan_from_json(record.plan));
      if (first_.plan.pipeline.slurm_nodes)
        request.plan.pipeline.hosts = first_.plan.pipeline.hosts;  // another allocation
      request.manifest = record.manifest;
    }
  }
  request.leadership = tenure;
  request.last_led_at = last_led_at(candidacy_->known().leader, term.leader);
  return Next(std::move(request));
}

// Whether it is worth while to stand by again: another supervisor leads, or something is out of reach for a while.
bool StandbyRun::rests(const Status& status, const Leadership& leadership) {
  if (!leadership.lost().empty()) return true;
  const bool passes = status.code() == Code::kSystem || status.code() == Code::kNotFound;
  rests_until_ = system_clock().monotonic_us() + 2 * candidacy_->place().lease;
  return !begins_ && passes;
}

Result<ha::Looked> StandbyRun::look() {
  if (system_clock().monotonic_us() >= rests_until_) return candidacy_->look(begins_, anew());
  STREAM_TRY(candidacy_->see().status());
  return ha::Looked(ha::Waits());
}

Result<StandbyRun::Next> StandbyRun::next(int signals, const Say& say) {
  STREAM_TRY(system_files().make_dir(paths_.folder));  // others of the job may be where storage is that is away
  STREAM_ASSIGN(StandbyMark mark, StandbyMark::hold(paths_));
  said_.clear();
  std::string trouble;
  for (;;) {
    auto looked = look();
    if (candidacy_->has_seen_life()) forget_beginning();
    if (!looked.ok()) {
      if (looked.status().code() != Code::kSystem) return std::move(looked).status();
      if (trouble != looked.status().what()) say("stands by, and does not see who leads: " + looked.status().what());
      trouble = looked.status().what();
    } else if (const auto* ended = std::get_if<ha::Ended>(&*looked)) {
      return Next(over(*ended, begins_));
    } else if (auto* found = std::get_if<std::unique_ptr<ha::Tenure>>(&*looked)) {
      const std::shared_ptr<ha::Tenure> tenure = std::move(*found);
      say("leads, term " + std::to_string(tenure->term().number));
      auto next = take_over(tenure);
      if (next.ok() || !rests(next.status(), *tenure)) return next;
      say("stands by, as it cannot lead: " + next.status().what());
    } else {
      trouble.clear();
      STREAM_TRY(wait_said(mark, say));
    }
    if (turn_listener_) turn_listener_();
    if (!pause(signals, candidacy_->pause())) return Next(Over{kDone, "interrupted while it stood by"});
  }
}

}  // namespace stream
