#include "supervisor/job_verbs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/job_lists.h"
#include "supervisor/job_view.h"
#include "supervisor/live_rescale.h"
#include "supervisor/lookup_request.h"
#include "supervisor/traced_request.h"
#include "transport/base/json_fields.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string text_of(const json& request, const char* key) {
  const auto at = request.find(key);
  return at != request.end() && at->is_string() ? at->get<std::string>() : "";
}

bool flag_of(const json& request, const char* key) {
  const auto at = request.find(key);
  return at != request.end() && at->is_boolean() && at->get<bool>();
}

SavepointWish wish_of(const json& request) {
  SavepointWish wish;
  wish.target = text_of(request, "to");
  wish.label = text_of(request, "label");
  wish.note = text_of(request, "note");
  wish.single_file = flag_of(request, "single_file");
  wish.archive = flag_of(request, "archive");
  return wish;
}

std::string done(json fields) {
  fields["ok"] = true;
  return fields.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

void JobVerbs::answer(const std::string& identity, const std::string& text) {
  // Whoever asked may have gone meanwhile; nobody misses the answer then.
  if (Status sent = socket_.send(identity, text); !sent.ok()) runner_.log().warning(sent.what());
}

void JobVerbs::error(const std::string& identity, const std::string& what) {
  answer(identity, json{{"error", what}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

// Once the job is over nobody is told so before its place is free: whoever asks then waits for that, and reads the
// store.
Status JobVerbs::serve() {
  while (runner_.phase() != Phase::kOver) {
    auto message = socket_.receive();
    if (!message.ok()) return std::move(message).status();
    if (!*message) return {};
    handle(**message);
  }
  return {};
}

void JobVerbs::handle(const ControlMessage& message) {
  const json request = json::parse(message.text, nullptr, false);
  if (!request.is_object()) return error(message.identity, "not a request");
  const std::string verb = text_of(request, "verb");
  if (verb == "summary") return answer(message.identity, job_summary_json(runner_));
  if (verb == "stats") return answer(message.identity, job_stats_json(runner_));
  if (verb == "news") {
    const auto told = job_news_json(runner_, request.value("since_us", Microseconds{0}), flag_of(request, "stats"));
    return told.ok() ? answer(message.identity, *told) : error(message.identity, told.status().what());
  }
  if (verb == "metrics") return answer(message.identity, job_metrics_json(runner_));
  if (verb == "plan")
    return answer(message.identity, done({{"plan", runner_.record().plan}, {"manifest", runner_.record().manifest}}));
  if (verb == "tap") return tap(message.identity, message.text);
  if (verb == "traced") return traced(message.identity, message.text);
  if (verb == "rescale") return rescale(message.identity, message.text);
  if (verb == "lookup") return lookup(message.identity, message.text);
  if (verb == "checkpoint") return checkpoint(message.identity, false, {});
  if (verb == "savepoint") return checkpoint(message.identity, true, wish_of(request));
  if (verb == "stop") {
    return stop(message.identity, flag_of(request, "drain"), !flag_of(request, "no_savepoint"), wish_of(request));
  }
  if (verb == "upgrade") return upgrade(message.identity, message.text);
  if (verb == "cancel") {
    runner_.cancelled_ = true;
    waiting_.push_back({message.identity, WaitsFor::kEnd, {}, false, {}});
    return runner_.end(JobState::kCancelled, "cancelled");
  }
  if (verb == "wait") {
    const std::string what = text_of(request, "for");
    if (what == "running" && runner_.phase() == Phase::kRunning) return answer(message.identity, done({}));
    const WaitsFor waits = what == "running"      ? WaitsFor::kRunning
                           : what == "checkpoint" ? WaitsFor::kAnyCommit
                                                  : WaitsFor::kEnd;
    waiting_.push_back({message.identity, waits, {}, false, {}});
    return;
  }
  if (is_job_list(verb)) {
    auto list = job_list(runner_.store(), verb);
    if (list.ok() && verb == "checkpoint-history") {
      if (const auto begun = runner_.checkpoint_in_flight()) list->insert(list->begin(), to_json(*begun));
    }
    return list.ok() ? answer(message.identity, done({{verb, *list}})) : error(message.identity, list.status().what());
  }
  if (verb == "delete-savepoint") {
    return runner_.delete_savepoints({text_of(request, "path")}, [this, identity = message.identity](const Status& s) {
      s.ok() ? answer(identity, done({})) : error(identity, s.what());
    });
  }
  if (verb == "mark-savepoint" || verb == "list-copy") {
    const Status status = verb == "list-copy"
                              ? list_copy(runner_.store(), text_of(request, "path"), text_of(request, "copy"))
                              : mark(mark_from_json(request));
    return status.ok() ? answer(message.identity, done({})) : error(message.identity, status.what());
  }
  if (verb == "schedule-savepoints") {
    const Status status =
        runner_.set_schedule(said_by_hand(runner_.savepoint_timer_.schedule(),
                                          rules_from_json(request.value("rules", json())), system_clock().wall_us()));
    return status.ok() ? answer(message.identity, done({})) : error(message.identity, status.what());
  }
  if (verb == "log-level") return set_log_level(message.identity, text_of(request, "stage"), text_of(request, "level"));
  if (verb == "gc") {
    runner_.retain();
    runner_.clean_savepoints();
    return answer(message.identity, done({}));
  }
  error(message.identity, "unknown request '" + verb + "'");
}

// Of a stage, or with "" of all and of the supervisor itself.
void JobVerbs::set_log_level(const std::string& identity, const std::string& stage, const std::string& level) {
  const auto least = parse_log_level(level);
  if (!least.ok()) return error(identity, least.status().what());
  const auto& stages = runner_.plan().pipeline.stages;
  if (!stage.empty() && std::ranges::find(stages, stage, &StageSpec::name) == stages.end())
    return error(identity, "job '" + runner_.paths().job + "' has no stage '" + stage + "'");
  stage.empty() ? runner_.log().set_least_of_all(*least) : runner_.log().set_least(stage, *least);
  answer(identity, done({}));
}

// A label names one savepoint, also among those being made.
Status JobVerbs::check_label(const std::string& label, const std::string& path) {
  if (label.empty()) return {};
  for (const Waiting& waiting : waiting_) {
    if (waiting.savepoint && waiting.wish.label == label)
      return failed("label '" + label + "' is taken by a savepoint that is being made; choose another label");
  }
  return check_free_label(runner_.store(), label, path);
}

Status JobVerbs::mark(const SavepointMark& wanted) {
  STREAM_TRY(check_label(wanted.label.value_or(""), wanted.path));
  return mark_savepoint(runner_.store(), wanted);
}

void JobVerbs::checkpoint(const std::string& identity, bool savepoint, SavepointWish wish) {
  if (!runner_.coordinator_ || runner_.phase() != Phase::kRunning) {
    return error(identity, "job '" + runner_.paths().job + "' is " + std::string(to_string(runner_.phase())) +
                               "; a checkpoint needs it RUNNING");
  }
  if (runner_.upgrade_)
    return error(identity, "job '" + runner_.paths().job + "' is being upgraded; its first checkpoint decides of that");
  if (const Status free = check_label(wish.label); !free.ok()) return error(identity, free.what());
  wish.asked_by = identity;
  waiting_.push_back({identity, WaitsFor::kTrigger, {}, savepoint, std::move(wish)});
  const Status status = runner_.act(runner_.coordinator_->request(system_clock().monotonic_us()));
  if (!status.ok()) runner_.fail(status.what(), true);
}

void JobVerbs::rescale(const std::string& identity, const std::string& request) {
  const auto wishes = rescale_wishes(request);
  if (!wishes.ok()) return error(identity, wishes.status().what());
  auto begun = LiveRescale::begin(runner_, *wishes);
  if (!begun.ok()) return error(identity, begun.status().what());
  if (*begun == nullptr) {
    json fields = {{"stages", json::array()}};
    if (json bounds = bounds_of(*wishes); !bounds.empty()) fields["bounds"] = std::move(bounds);
    return answer(identity, done(std::move(fields)));
  }
  runner_.rescale_ = *std::move(begun);
  waiting_.push_back({identity, WaitsFor::kRescaled, {}, false, {}});
}

void JobVerbs::on_rescaled(const Result<std::string>& answer_text) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const bool hit = waiting.what == WaitsFor::kRescaled;
    if (hit && answer_text.ok()) answer(waiting.identity, *answer_text);
    if (hit && !answer_text.ok()) error(waiting.identity, answer_text.status().what());
    return hit;
  });
}

void JobVerbs::stop(const std::string& identity, bool drain, bool savepoint, SavepointWish wish) {
  waiting_.push_back({identity, WaitsFor::kEnd, {}, savepoint, wish});
  if (runner_.upgrade_ && runner_.upgrade_->stage == UpgradeStage::kStopping) {
    runner_.answer_upgrade(false, "the job was stopped");
    return;
  }
  if (runner_.leaving_until_ || runner_.phase() == Phase::kStopping) return;  // it is ending already
  const bool later = runner_.phase() == Phase::kRescaling;
  if (!later && (!runner_.coordinator_ || runner_.phase() != Phase::kRunning)) {
    return runner_.end(JobState::kStopped, "stopped while it was " + lower(to_string(runner_.phase())) +
                                               ": no final checkpoint, and no savepoint" + runner_.waits_for());
  }
  runner_.stop_wanted_ = !drain;
  runner_.drain_wanted_ = drain;
  if (savepoint) runner_.stop_savepoint_ = std::move(wish);
  if (later) return;  // when the new instances are there, or the old ones go on
  runner_.phase_ = Phase::kStopping;
  const Status status = runner_.act(runner_.coordinator_->stop(drain, system_clock().monotonic_us()));
  if (!status.ok()) runner_.fail(status.what(), true);
}

void JobVerbs::upgrade(const std::string& identity, const std::string& text) {
  const json request = json::parse(text);
  UpgradeWish wish;
  wish.plan_json = text_of(request, "plan");
  wish.manifest = text_of(request, "manifest");
  wish.drop_state = flag_of(request, "drop_state");
  wish.timeout = request.value("timeout_us", kUpgradeTimeout);
  if (request.contains("trial_us")) wish.trial = request.value("trial_us", Microseconds{0});
  wish.asked_by = identity;
  auto plan = plan_from_json(wish.plan_json);
  if (!plan.ok()) return error(identity, plan.status().what());
  wish.plan = *std::move(plan);
  SavepointWish savepoint = wish_of(request);
  if (const Status free = check_label(savepoint.label); !free.ok()) return error(identity, free.what());
  waiting_.push_back({identity, WaitsFor::kUpgrade, {}, false, {}});
  const Status begun = runner_.begin_upgrade(std::move(wish), std::move(savepoint));
  if (begun.ok()) return;
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.identity == identity; });
  error(identity, begun.what());
}

// Steps come before the answer, as they happen.
void JobVerbs::on_upgrade_step(const std::string& asked_by, const std::string& text, Microseconds elapsed) {
  answer(asked_by, json{{"step", text}, {"elapsed_us", elapsed}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

void JobVerbs::on_upgraded(const std::string& asked_by, const std::string& savepoint, bool upgraded,
                           const std::string& reason, Microseconds elapsed) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const bool hit = waiting.what == WaitsFor::kUpgrade && waiting.identity == asked_by;
    if (!hit) return false;
    answer(asked_by, done({{"upgraded", upgraded},
                           {"path", savepoint},
                           {"epoch", runner_.last_complete().value()},
                           {"reason", reason},
                           {"elapsed_us", elapsed}}));
    return true;
  });
}

void JobVerbs::tap(const std::string& identity, const std::string& request) {
  std::erase_if(taps_, [](const TapRequest& tap) { return !somebody_listens(tap); });
  if (taps_.size() >= kTapsMax) return error(identity, "more than " + std::to_string(kTapsMax) + " taps are open");
  auto tap = tap_request(runner_.plan(), request);
  if (!tap.ok()) return error(identity, tap.status().what());
  if (runner_.attempt() != nullptr && runner_.coordinator_) {
    const Status sent = send_tap(*runner_.attempt_, *tap);
    if (!sent.ok()) return error(identity, sent.what());
  }
  taps_.push_back(*std::move(tap));
  answer(identity, done({}));
}

void JobVerbs::lookup(const std::string& identity, const std::string& request) {
  if (runner_.attempt() == nullptr || !runner_.coordinator_ || runner_.phase() != Phase::kRunning)
    return error(identity, "job '" + runner_.paths().job + "' is " + std::string(to_string(runner_.phase())) +
                               "; what its instances keep can be asked for while it is RUNNING");
  const auto wanted = lookup_request(runner_.plan(), request);
  if (!wanted.ok()) return error(identity, wanted.status().what());
  const Status sent = send_lookup(*runner_.attempt_, *wanted);
  return sent.ok() ? answer(identity, done({})) : error(identity, sent.what());
}

// Where processes may be looked into only by those they permit it, see send_traced().
void JobVerbs::traced(const std::string& identity, const std::string& request) {
  const json wanted = json::parse(request, nullptr, false);
  if (runner_.attempt() == nullptr || !runner_.coordinator_)
    return error(identity, "job '" + runner_.paths().job + "' is " + std::string(to_string(runner_.phase())) +
                               "; its instances can be looked at while they are there");
  const Status sent = send_traced(*runner_.attempt_, text_of(wanted, "stage"), count_at(wanted, "by"));
  sent.ok() ? answer(identity, done({})) : error(identity, sent.what());
}

void JobVerbs::on_ready(const std::set<std::size_t>& stages) {
  std::erase_if(taps_, [](const TapRequest& tap) { return !somebody_listens(tap); });
  for (TapRequest tap : taps_) {
    std::erase_if(tap.edges, [&](const auto& edge) { return !stages.empty() && !stages.contains(edge.stage); });
    if (Status sent = send_tap(*runner_.attempt_, tap); !sent.ok()) runner_.log().warning(sent.what());
  }
}

void JobVerbs::on_running() {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const bool hit = waiting.what == WaitsFor::kRunning;
    if (hit) answer(waiting.identity, done({}));
    return hit;
  });
}

void JobVerbs::on_triggered(Epoch epoch) {
  for (Waiting& waiting : waiting_) {
    if (waiting.what != WaitsFor::kTrigger) continue;
    waiting.epoch = epoch;
    waiting.what = waiting.savepoint ? WaitsFor::kSavepoint : WaitsFor::kCommit;
    if (waiting.savepoint) runner_.savepoints_due_.emplace_back(epoch, waiting.wish);
  }
}

void JobVerbs::on_aborted(Epoch epoch, const std::string& reason) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const bool hit =
        waiting.epoch == epoch && (waiting.what == WaitsFor::kCommit || waiting.what == WaitsFor::kSavepoint);
    if (hit) error(waiting.identity, "checkpoint " + std::to_string(epoch.value()) + " was aborted: " + reason);
    return hit;
  });
}

void JobVerbs::on_committed(Epoch epoch) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const bool hit =
        (waiting.what == WaitsFor::kCommit && waiting.epoch <= epoch) || waiting.what == WaitsFor::kAnyCommit;
    if (hit) answer(waiting.identity, done({{"epoch", epoch.value()}}));
    return hit;
  });
}

void JobVerbs::on_savepoint(const std::string& asked_by, Epoch epoch, const std::string& path, const Status& status) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const bool hit = waiting.what == WaitsFor::kSavepoint && waiting.epoch == epoch && waiting.identity == asked_by;
    if (hit && status.ok()) answer(waiting.identity, done({{"path", path}, {"epoch", epoch.value()}}));
    if (hit && !status.ok()) error(waiting.identity, status.what());
    return hit;
  });
}

void JobVerbs::say_goodbye() {
  const std::string state(to_string(runner_.record().state));
  for (const Waiting& waiting : waiting_) {
    if (waiting.what == WaitsFor::kEnd) {
      answer(waiting.identity, done({{"state", state},
                                     {"path", runner_.stop_path_},
                                     {"reason", runner_.record().reason},
                                     {"drained", runner_.has_drained()}}));
    } else {
      error(waiting.identity, "job '" + runner_.paths().job + "' is " + state);
    }
  }
  waiting_.clear();
  socket_.socket().set_linger(1000);
}

}  // namespace stream
