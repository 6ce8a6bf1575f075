// What becomes of a pipeline: every decision, without a cluster.
#include "supervisor/kubernetes/controller/decide.h"

#include <boost/test/unit_test.hpp>

using namespace stream::kubernetes;
using nlohmann::json;

namespace {

json spec_of(const std::string& manifest, const json& more = json::object()) {
  json spec = {{"image", "i"}, {"manifest", manifest}, {"state", "running"}, {"upgrade", "savepoint"}};
  spec.update(more);
  return spec;
}

const std::string kId = "id";

// A pipeline in a cluster that does what it is told, look by look.
struct Play {
  Kept kept;
  Seen seen;

  explicit Play(const json& spec) {
    seen.generation = 1;
    seen.spec = spec;
    seen.now_ms = 1'000'000;
  }
  Phase look(std::int64_t later_ms = 1000) {
    seen.now_ms += later_ms;
    kept = kept_of(status_of(decide(kept, seen, kId), seen, json()));  // as the next controller reads it
    return kept.phase;
  }
  void runs(const char* state = "RUNNING") {
    seen.ready = true;
    seen.job = JobSeen{state, 7, seen.now_ms + 500, ""};
  }
  void is_away() {
    seen.ready = false;
    seen.job.reset();
    seen.outcome.reset();
  }
  void becomes_stable() {
    look();
    runs();
    look();
    BOOST_REQUIRE(kept.phase == Phase::kStable);
  }
  void wants(const json& spec) {
    ++seen.generation;
    seen.spec = spec;
  }
  void stops_at(const std::string& path) {
    seen.outcome = Outcome{true, path, ""};
    look();
    is_away();
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_new_one_is_deployed_and_gets_stable) {
  Play play(spec_of("a", {{"initialSavepoint", "/p"}}));
  BOOST_TEST((play.look() == Phase::kDeploying));
  BOOST_TEST(play.kept.attempt == 1);
  BOOST_TEST(play.kept.from == "/p");
  BOOST_TEST((play.look() == Phase::kDeploying));
  play.runs();
  BOOST_TEST((play.look() == Phase::kStable));
  BOOST_TEST(play.kept.stable == play.seen.spec);
  BOOST_TEST((play.look() == Phase::kStable));
  BOOST_TEST(play.kept.attempt == 1);
}

BOOST_AUTO_TEST_CASE(who_is_ready_now_and_then_is_not_stable) {
  Play play(spec_of("a"));
  play.look();
  for (int i = 0; i < 5; ++i) {
    play.seen.ready = true;
    BOOST_TEST((play.look(20'000) == Phase::kDeploying));
    play.seen.ready = false;
    BOOST_TEST((play.look(20'000) == Phase::kDeploying));
  }
  play.seen.ready = true;
  play.look();
  BOOST_TEST((play.look(kSettledMs) == Phase::kStable));
}

BOOST_AUTO_TEST_CASE(what_is_refused_is_not_begun_and_disturbs_nothing) {
  Play play(spec_of("wrong"));
  play.seen.refused = "manifest.yaml:1:1: no";
  BOOST_TEST((play.look() == Phase::kNew));
  play.seen.refused.clear();
  play.wants(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("wrong"));
  play.seen.refused = "manifest.yaml:1:1: no";
  BOOST_TEST((play.look() == Phase::kStable));
  BOOST_TEST(play.kept.reconciled == spec_of("a"));
  const json status = status_of(play.kept, play.seen, json());
  BOOST_TEST(status["error"] == "manifest.yaml:1:1: no");
  BOOST_TEST(status["observedGeneration"] == 3);
  BOOST_TEST(status["conditions"][0]["status"] == "True");
  BOOST_TEST(status["conditions"][1]["reason"] == "Refused");
}

BOOST_AUTO_TEST_CASE(it_is_suspended_with_a_savepoint_and_goes_on) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("a", {{"state", "suspended"}}));
  BOOST_TEST((play.look() == Phase::kStopping));
  BOOST_REQUIRE(play.kept.asked.has_value());
  BOOST_TEST(play.kept.asked->stop);
  BOOST_TEST(play.kept.asked->id == kId);
  play.seen.outcome = Outcome{};
  BOOST_TEST((play.look() == Phase::kStopping));
  play.stops_at("/s/1");
  BOOST_TEST((play.kept.phase == Phase::kSuspended));
  BOOST_REQUIRE(play.kept.savepoints.size() == 1U);
  BOOST_TEST(play.kept.savepoints[0].path == "/s/1");
  BOOST_TEST(play.kept.savepoints[0].reason == "stop");
  BOOST_TEST((play.look() == Phase::kSuspended));
  play.wants(spec_of("a"));
  BOOST_TEST((play.look() == Phase::kDeploying));
  BOOST_TEST(play.kept.attempt == 2);
  BOOST_TEST(play.kept.from == "");  // its newest checkpoint is that savepoint
}

BOOST_AUTO_TEST_CASE(another_manifest_is_an_upgrade_with_a_savepoint) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("b"));
  BOOST_TEST((play.look() == Phase::kStopping));
  BOOST_TEST(play.kept.reconciled == spec_of("a"));
  play.stops_at("/s/1");
  BOOST_TEST((play.kept.phase == Phase::kDeploying));
  BOOST_TEST(play.kept.reconciled == spec_of("b"));
  BOOST_TEST(play.kept.stable == spec_of("a"));
  BOOST_TEST(play.kept.attempt == 2);
  BOOST_TEST(play.kept.before == "/s/1");
  play.runs();
  BOOST_TEST((play.look() == Phase::kStable));
  BOOST_TEST(play.kept.stable == spec_of("b"));
}

BOOST_AUTO_TEST_CASE(what_is_wanted_meanwhile_counts_when_it_has_stopped) {
  for (const json& later : {spec_of("c"), spec_of("a"), spec_of("b", {{"state", "suspended"}})}) {
    Play play(spec_of("a"));
    play.becomes_stable();
    play.wants(spec_of("b"));
    play.look();
    play.wants(later);
    BOOST_TEST((play.look() == Phase::kStopping));
    BOOST_TEST(play.kept.asked->id == kId);
    play.stops_at("/s/1");
    BOOST_TEST((play.kept.phase == (is_suspended(later) ? Phase::kSuspended : Phase::kDeploying)));
    BOOST_TEST(play.kept.reconciled == later);
  }
}

BOOST_AUTO_TEST_CASE(what_is_refused_meanwhile_lets_the_one_before_go_on) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("b"));
  play.look();
  play.wants(spec_of("wrong"));
  play.seen.refused = "no";
  play.look();
  play.stops_at("/s/1");
  BOOST_TEST((play.kept.phase == Phase::kDeploying));
  BOOST_TEST(play.kept.reconciled == spec_of("a"));
  BOOST_TEST(play.kept.attempt == 2);
}

BOOST_AUTO_TEST_CASE(from_its_checkpoint_it_is_replaced_without_being_asked) {
  Play play(spec_of("a", {{"upgrade", "checkpoint"}}));
  play.becomes_stable();
  play.wants(spec_of("b", {{"upgrade", "checkpoint"}}));
  BOOST_TEST((play.look() == Phase::kDeploying));
  BOOST_TEST(!play.kept.asked.has_value());
  BOOST_TEST(!play.kept.fresh);
  BOOST_TEST(play.kept.attempt == 2);
  play.wants(spec_of("b", {{"upgrade", "checkpoint"}, {"state", "suspended"}}));
  BOOST_TEST((play.look() == Phase::kSuspended));
}

BOOST_AUTO_TEST_CASE(stateless_it_begins_anew) {
  Play play(spec_of("a", {{"upgrade", "stateless"}}));
  play.becomes_stable();
  BOOST_TEST(!play.kept.fresh);
  play.wants(spec_of("b", {{"upgrade", "stateless"}}));
  BOOST_TEST((play.look() == Phase::kDeploying));
  BOOST_TEST(play.kept.fresh);
  BOOST_TEST(play.kept.attempt == 2);
}

BOOST_AUTO_TEST_CASE(a_stop_that_fails_is_tried_again_and_then_done_without) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("b"));
  play.look();
  for (int i = 1; i < kTriesMost; ++i) {
    play.seen.outcome = Outcome{true, "", "disk full"};
    BOOST_TEST((play.look() == Phase::kStopping));
    BOOST_TEST(play.kept.asked->tries == i + 1);
  }
  play.seen.outcome = Outcome{true, "", "disk full"};
  BOOST_TEST((play.look() == Phase::kDeploying));
  BOOST_TEST(play.kept.reconciled == spec_of("b"));
  BOOST_TEST(play.kept.before == "");
  BOOST_TEST(play.kept.trouble.find("disk full") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stop_that_is_over_otherwise_is_not_tried_again) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("b"));
  play.look();
  play.seen.job->state = "FINISHED";
  play.seen.ready = false;
  play.seen.outcome = Outcome{true, "", "job is STOPPED"};
  BOOST_TEST((play.look() == Phase::kDeploying));
}

BOOST_AUTO_TEST_CASE(who_does_not_answer_is_waited_for_but_not_for_ever) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.is_away();
  play.wants(spec_of("b"));
  BOOST_TEST((play.look() == Phase::kStopping));
  BOOST_TEST((play.look(kSilentMs - 1) == Phase::kStopping));
  BOOST_TEST((play.look(1) == Phase::kDeploying));
  BOOST_TEST(play.kept.trouble != "");
}

BOOST_AUTO_TEST_CASE(who_answers_and_does_not_stop_is_waited_for_but_not_for_ever) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("b"));
  play.look();
  play.seen.outcome = Outcome{};
  BOOST_TEST((play.look(kStopMostMs - 1) == Phase::kStopping));
  BOOST_TEST((play.look(1) == Phase::kDeploying));
}

BOOST_AUTO_TEST_CASE(what_does_not_get_ready_is_rolled_back_and_not_tried_again) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("bad", {{"rollback", {{"after", "1m"}}}}));
  play.look();
  play.stops_at("/s/1");
  play.seen.pods = "CrashLoopBackOff";
  BOOST_TEST((play.look(59'000) == Phase::kDeploying));
  BOOST_TEST(play.kept.rolled_back == "");
  BOOST_TEST((play.look(1000) == Phase::kDeploying));
  BOOST_TEST(play.kept.rolled_back == digest_of(play.seen.spec));
  BOOST_TEST(play.kept.reconciled == spec_of("a"));
  BOOST_TEST(play.kept.from == "/s/1");
  BOOST_TEST(play.kept.attempt == 3);
  BOOST_TEST(status_of(play.kept, play.seen, json())["lifecycle"] == "ROLLING_BACK");
  play.runs();
  BOOST_TEST((play.look() == Phase::kStable));
  const json status = status_of(play.kept, play.seen, json());
  BOOST_TEST(status["lifecycle"] == "ROLLED_BACK");
  BOOST_TEST(status["error"].get<std::string>().find("CrashLoopBackOff") != std::string::npos);
  BOOST_TEST((play.look(1'000'000) == Phase::kStable));
  BOOST_TEST(play.kept.attempt == 3);
  // Suspended and going on, it is the one that was stable.
  play.wants(spec_of("bad", {{"state", "suspended"}}));
  play.look();
  play.stops_at("/s/2");
  BOOST_TEST((play.kept.phase == Phase::kSuspended));
  play.wants(spec_of("bad"));
  play.look();
  BOOST_TEST(play.kept.reconciled["manifest"] == "a");
  play.runs();
  play.look();
  // Another one is tried.
  play.wants(spec_of("good"));
  BOOST_TEST((play.look() == Phase::kStopping));
  BOOST_TEST(play.kept.rolled_back == "");
  play.stops_at("/s/3");
  BOOST_TEST(play.kept.reconciled == spec_of("good"));
}

BOOST_AUTO_TEST_CASE(without_one_before_or_where_it_is_off_nothing_is_rolled_back) {
  Play first(spec_of("bad"));
  first.look();
  BOOST_TEST((first.look(100'000'000) == Phase::kDeploying));
  BOOST_TEST(first.kept.rolled_back == "");
  Play off(spec_of("a"));
  off.becomes_stable();
  off.wants(spec_of("bad", {{"rollback", {{"after", "off"}}}}));
  off.look();
  off.stops_at("/s/1");
  BOOST_TEST((off.look(100'000'000) == Phase::kDeploying));
  BOOST_TEST(off.kept.rolled_back == "");
}

BOOST_AUTO_TEST_CASE(what_never_ran_begins_as_it_was_said_to_when_it_is_mended) {
  Play play(spec_of("bad", {{"initialSavepoint", "/p"}}));
  play.look();
  play.wants(spec_of("a", {{"initialSavepoint", "/p"}}));
  BOOST_TEST((play.look() == Phase::kDeploying));
  BOOST_TEST(play.kept.from == "/p");
  BOOST_TEST(play.kept.attempt == 2);
}

BOOST_AUTO_TEST_CASE(what_has_finished_is_run_again_only_as_something_else) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.runs("FINISHED");
  play.wants(spec_of("a", {{"state", "suspended"}}));
  BOOST_TEST((play.look() == Phase::kSuspended));
  play.is_away();
  play.look();
  play.wants(spec_of("a"));
  play.look();
  BOOST_TEST(play.kept.attempt == 1);
  play.runs("FINISHED");
  play.look();
  play.wants(spec_of("b"));
  BOOST_TEST((play.look() == Phase::kDeploying));
  BOOST_TEST(play.kept.attempt == 2);
}

BOOST_AUTO_TEST_CASE(a_nonce_makes_a_savepoint_once) {
  Play play(spec_of("a", {{"savepointNonce", 5}}));
  play.becomes_stable();
  BOOST_TEST(!play.kept.asked.has_value());  // that was said from the beginning
  play.wants(spec_of("a", {{"savepointNonce", 6}}));
  play.look();
  BOOST_REQUIRE(play.kept.asked.has_value());
  BOOST_TEST(!play.kept.asked->stop);
  play.seen.job->savepoint = "/s/1";
  play.seen.outcome = Outcome{true, "/s/1", ""};
  play.look();
  play.seen.outcome.reset();
  BOOST_TEST(!play.kept.asked.has_value());
  BOOST_REQUIRE(play.kept.savepoints.size() == 1U);
  BOOST_TEST(play.kept.savepoints[0].reason == "nonce");
  play.look();
  BOOST_TEST(!play.kept.asked.has_value());
  BOOST_TEST(play.kept.savepoints.size() == 1U);
}

BOOST_AUTO_TEST_CASE(savepoints_that_it_makes_by_itself_are_listed_ten_at_most) {
  Play play(spec_of("a"));
  play.becomes_stable();
  for (int i = 0; i < 15; ++i) {
    play.seen.job->savepoint = "/s/" + std::to_string(i);
    play.look();
    play.look();
  }
  BOOST_REQUIRE(play.kept.savepoints.size() == kSavepointsListed);
  BOOST_TEST(play.kept.savepoints[0].path == "/s/14");
  BOOST_TEST(play.kept.savepoints[0].reason == "schedule");
}

BOOST_AUTO_TEST_CASE(another_restart_nonce_is_another_one_and_how_it_is_done_is_not) {
  BOOST_TEST(digest_of(spec_of("a")) != digest_of(spec_of("a", {{"restartNonce", 1}})));
  BOOST_TEST(digest_of(spec_of("a")) == digest_of(spec_of("a", {{"upgrade", "stateless"}, {"state", "suspended"}})));
}

BOOST_AUTO_TEST_CASE(what_is_kept_outlives_the_controller) {
  Play play(spec_of("a"));
  play.becomes_stable();
  play.wants(spec_of("b"));
  play.look();
  const json status = status_of(play.kept, play.seen, json());
  BOOST_TEST(status_of(kept_of(status), play.seen, status) == status);
  // What somebody has written there is no reason to do anything wrong.
  for (const json& bad : {json(), json(1), json::object(), json{{"controller", 3}}, json{{"lastReconciledSpec", "{"}},
                          json{{"controller", {{"phase", "stopping"}}}, {"lastReconciledSpec", "{}"}}}) {
    const Kept kept = kept_of(bad);
    BOOST_TEST((kept.phase == Phase::kNew || kept.phase == Phase::kStable));
  }
}

BOOST_AUTO_TEST_CASE(conditions_keep_the_time_of_their_change) {
  Play play(spec_of("a"));
  play.becomes_stable();
  const json first = status_of(play.kept, play.seen, json());
  play.seen.now_ms += 60'000;
  const json second = status_of(play.kept, play.seen, first);
  BOOST_TEST(second["conditions"] == first["conditions"]);
  play.seen.ready = false;
  const json third = status_of(play.kept, play.seen, second);
  BOOST_TEST(third["conditions"][0]["status"] == "False");
  BOOST_TEST(third["conditions"][0]["lastTransitionTime"] != first["conditions"][0]["lastTransitionTime"]);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_said) {
  BOOST_TEST(check_spec(spec_of("a")) == "");
  BOOST_TEST(check_spec(spec_of("")) == "spec.manifest: there is none");
  BOOST_TEST(check_spec(spec_of(std::string(200'001, 'x'))) != "");
  BOOST_TEST(check_spec(spec_of("a", {{"rollback", {{"after", "soon"}}}})) ==
             "spec.rollback.after: 'soon' is not a duration, such as 5m, or off");
}
