#include "supervisor/coordinator.h"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace stream;
using Kind = CoordinatorAction::Kind;

namespace {

constexpr std::uint32_t kInstances = 3;

CoordinatorConfig config() { return {kInstances, true, 1000, 10'000, 0}; }

std::vector<Kind> kinds(const Coordinator::Actions& actions) {
  std::vector<Kind> out;
  for (const CoordinatorAction& action : actions) out.push_back(action.kind);
  return out;
}

Coordinator::Actions all_snapshots(Coordinator& coordinator, Epoch epoch, Microseconds now) {
  Coordinator::Actions actions;
  for (std::uint32_t i = 0; i < kInstances; ++i) actions = coordinator.snapshot(InstanceIndex(i), epoch, now);
  return actions;
}

Coordinator::Actions all_committed(Coordinator& coordinator, Epoch epoch, Microseconds now) {
  Coordinator::Actions actions;
  for (std::uint32_t i = 0; i < kInstances; ++i) actions = coordinator.committed(InstanceIndex(i), epoch, now);
  return actions;
}

bool is(const Coordinator::Actions& actions, std::initializer_list<Kind> wanted) {
  return kinds(actions) == std::vector<Kind>(wanted);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator)

BOOST_AUTO_TEST_CASE(a_checkpoint_goes_from_trigger_to_commit) {
  Coordinator c(config(), Epoch(5), 0);
  BOOST_TEST(is(c.tick(999), {}));
  const auto trigger = c.tick(1000);
  BOOST_TEST(is(trigger, {Kind::kTrigger}));
  BOOST_TEST((trigger[0].epoch == Epoch(5) && !trigger[0].stopping));
  BOOST_TEST(is(all_snapshots(c, Epoch(5), 1100), {Kind::kPublish}));
  BOOST_TEST(is(c.published(Epoch(5), 1200), {Kind::kComplete}));
  BOOST_TEST(is(all_committed(c, Epoch(5), 1300), {Kind::kCommitted}));
  BOOST_TEST((c.last_complete() == Epoch(5)));
}

BOOST_AUTO_TEST_CASE(nothing_is_complete_before_it_is_published) {
  Coordinator c(config(), Epoch(1), 0);
  c.tick(1000);
  all_snapshots(c, Epoch(1), 1001);
  BOOST_TEST((c.last_complete() == Epoch(0)));
  BOOST_TEST(is(c.tick(20'000), {}));  // publishing has no timeout: its outcome is being found out
  BOOST_TEST(is(c.publish_failed(Epoch(1), "disk full", 1002), {Kind::kAborted}));
  BOOST_TEST((c.last_complete() == Epoch(0)));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_begin_is_aborted_and_tried_again) {
  Coordinator c(config(), Epoch(1), 0);
  BOOST_TEST(is(c.tick(1000), {Kind::kTrigger}));
  BOOST_TEST(is(c.trigger_failed(Epoch(1), "disk full", 1000), {Kind::kAborted}));
  BOOST_TEST(is(c.tick(1001), {}));
  const auto again = c.tick(200'000);
  BOOST_TEST(is(again, {Kind::kTrigger}));
  BOOST_TEST((again[0].epoch == Epoch(2)));
}

BOOST_AUTO_TEST_CASE(an_aborted_checkpoint_is_followed_by_the_next_epoch) {
  Coordinator c(config(), Epoch(1), 0);
  c.tick(1000);
  c.snapshot(InstanceIndex(0), Epoch(1), 1001);
  const auto aborted = c.tick(11'000);
  BOOST_TEST(is(aborted, {Kind::kAborted}));
  BOOST_TEST(is(c.snapshot(InstanceIndex(1), Epoch(1), 11'001), {}));  // too late
  const auto next = c.tick(200'000);
  BOOST_TEST(is(next, {Kind::kTrigger}));
  BOOST_TEST((next[0].epoch == Epoch(2)));
}

BOOST_AUTO_TEST_CASE(two_uncommitted_epochs_stop_new_ones) {
  Coordinator c(config(), Epoch(1), 0);
  Microseconds now = 0;
  for (std::uint64_t n = 1; n <= 2; ++n) {
    now += 1000;
    BOOST_TEST(is(c.tick(now), {Kind::kTrigger}));
    all_snapshots(c, Epoch(n), now);
    c.published(Epoch(n), now);
  }
  BOOST_TEST(is(c.tick(now + 5000), {}));
  BOOST_TEST(!c.next_tick().has_value());
  // Committing the second commits the first as well, and what was due comes at once.
  BOOST_TEST(is(all_committed(c, Epoch(2), now + 6000), {Kind::kCommitted, Kind::kCommitted, Kind::kTrigger}));
}

BOOST_AUTO_TEST_CASE(a_stop_ends_with_a_last_checkpoint_even_after_an_abort) {
  Coordinator c(config(), Epoch(1), 0);
  const auto first = c.stop(false, 10);
  BOOST_TEST(is(first, {Kind::kTrigger}));
  BOOST_TEST(first[0].stopping);
  BOOST_TEST(is(c.snapshot_failed(InstanceIndex(1), Epoch(1), "disk full", 20), {Kind::kAborted}));
  BOOST_TEST(is(c.tick(50'000), {}));
  const auto again = c.tick(100'020);
  BOOST_TEST(is(again, {Kind::kTrigger}));
  all_snapshots(c, Epoch(2), 100'030);
  c.published(Epoch(2), 100'040);
  BOOST_TEST(is(all_committed(c, Epoch(2), 100'050), {Kind::kCommitted, Kind::kFinished}));
}

BOOST_AUTO_TEST_CASE(a_stop_may_be_taken_back_after_an_abort) {
  Coordinator c(config(), Epoch(1), 0);
  const Epoch stopping = c.stop(false, 10)[0].epoch;
  c.snapshot_failed(InstanceIndex(0), stopping, "the disk is full", 20);
  BOOST_TEST(c.run_on(21).empty());  // not so soon after an abort
  BOOST_TEST(!c.ending());
  const auto next = c.tick(c.next_tick().value());
  BOOST_TEST(is(next, {Kind::kTrigger}));
  BOOST_TEST(!next[0].stopping);
  BOOST_TEST(!c.ending());
  BOOST_TEST(is(c.stop(false, 200'000), {}));  // behind the one under way
}

BOOST_AUTO_TEST_CASE(a_stop_knows_when_commits_are_all_that_it_awaits) {
  Coordinator c(config(), Epoch(1), 0);
  c.tick(1000);
  all_snapshots(c, Epoch(1), 1100);
  c.published(Epoch(1), 1200);
  BOOST_TEST(!c.awaits_commits_only());  // no stop
  c.stop(false, 1300);
  BOOST_TEST(!c.awaits_commits_only());  // the last checkpoint is on its way
  BOOST_TEST(!c.last_is_complete());
  all_snapshots(c, Epoch(2), 1400);
  c.published(Epoch(2), 1500);
  BOOST_TEST(c.awaits_commits_only());
  BOOST_TEST(c.last_is_complete());
}

BOOST_AUTO_TEST_CASE(a_stop_that_may_not_begin_its_checkpoint_awaits_commits_only) {
  for (const bool drain : {false, true}) {
    Coordinator c(config(), Epoch(1), 0);
    for (std::uint64_t n = 1; n <= 2; ++n) {
      c.tick(static_cast<Microseconds>(n) * 1000);
      all_snapshots(c, Epoch(n), static_cast<Microseconds>(n) * 1000);
      c.published(Epoch(n), static_cast<Microseconds>(n) * 1000);
    }
    c.stop(drain, 3000);
    BOOST_TEST(c.awaits_commits_only());
    BOOST_TEST(!c.last_is_complete());
    all_committed(c, Epoch(1), 3100);  // the server is back
    BOOST_TEST(!c.awaits_commits_only());
  }
}

BOOST_AUTO_TEST_CASE(a_bounded_job_finishes_after_the_checkpoint_that_saw_every_end) {
  Coordinator c(config(), Epoch(1), 0);
  c.tick(1000);  // epoch 1 is under way when the inputs end
  for (std::uint32_t i = 0; i < kInstances; ++i) BOOST_TEST(is(c.ended(InstanceIndex(i), 1001), {}));
  all_snapshots(c, Epoch(1), 1002);
  BOOST_TEST(is(c.published(Epoch(1), 1003), {Kind::kComplete, Kind::kTrigger}));
  BOOST_TEST(is(all_committed(c, Epoch(1), 1004), {Kind::kCommitted}));
  all_snapshots(c, Epoch(2), 1005);
  c.published(Epoch(2), 1006);
  BOOST_TEST(is(all_committed(c, Epoch(2), 1007), {Kind::kCommitted, Kind::kFinished}));
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_every_end) {
  Coordinator c(config(), Epoch(1), 0);
  BOOST_TEST(is(c.stop(true, 10), {Kind::kDrain}));
  c.ended(InstanceIndex(0), 20);
  c.ended(InstanceIndex(1), 20);
  BOOST_TEST(is(c.tick(30), {}));
  BOOST_TEST(is(c.ended(InstanceIndex(2), 40), {Kind::kTrigger}));
}

BOOST_AUTO_TEST_CASE(without_a_period_only_wishes_trigger) {
  CoordinatorConfig quiet = config();
  quiet.periodic = false;
  Coordinator c(quiet, Epoch(1), 0);
  BOOST_TEST(is(c.tick(1'000'000), {}));
  BOOST_TEST(is(c.request(1'000'001), {Kind::kTrigger}));
}

// Whatever order events come in: epochs rise, at most one is under way, at most two are
// uncommitted, and nothing is complete that was not published.
BOOST_AUTO_TEST_CASE(random_events_never_break_the_rules) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    Coordinator c(config(), Epoch(1), 0);
    Microseconds now = 0;
    Epoch triggered;
    Epoch completed;
    std::size_t open = 0;
    const auto look = [&](const Coordinator::Actions& actions) {
      for (const CoordinatorAction& a : actions) {
        if (a.kind == Kind::kTrigger) {
          BOOST_TEST_REQUIRE((a.epoch > triggered));
          triggered = a.epoch;
        }
        if (a.kind == Kind::kComplete) {
          BOOST_TEST_REQUIRE((a.epoch > completed && a.epoch <= triggered));
          completed = a.epoch;
          ++open;
        }
        if (a.kind == Kind::kCommitted) --open;
        BOOST_TEST_REQUIRE(open <= 2u);
      }
    };
    for (int step = 0; step < 400; ++step) {
      now += static_cast<Microseconds>(random() % 700);
      const InstanceIndex instance(static_cast<std::uint32_t>(random() % kInstances));
      const Epoch epoch(triggered.value() - std::min<std::uint64_t>(random() % 2, triggered.value()));
      switch (random() % 8) {
        case 0: look(c.tick(now)); break;
        case 1: look(c.request(now)); break;
        case 2: look(c.published(c.missing().empty() ? epoch : Epoch(0), now)); break;
        case 3: look(c.committed(instance, completed, now)); break;
        case 4: look(random() % 5 == 0 ? c.snapshot_failed(instance, epoch, "x", now) : Coordinator::Actions()); break;
        default: look(c.snapshot(instance, epoch, now)); break;
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(while_it_is_paused_only_a_cut_is_taken) {
  Coordinator c(config(), Epoch(1), 0);
  c.pause();
  BOOST_TEST(is(c.tick(1000), {}));
  BOOST_TEST(is(c.request(1001), {}));
  BOOST_TEST((c.may_cut(1001) && c.next() == Epoch(1)));
  BOOST_TEST(is(c.cut(1001), {Kind::kTrigger}));
  BOOST_TEST(!c.may_cut(1002));
  BOOST_TEST(is(c.cut(1002), {}));
  all_snapshots(c, Epoch(1), 1003);
  BOOST_TEST(is(c.published(Epoch(1), 1004), {Kind::kComplete}));
  BOOST_TEST(is(all_committed(c, Epoch(1), 1005), {Kind::kCommitted}));
  BOOST_TEST(is(c.tick(5000), {}));
  BOOST_TEST(is(c.go_on(5001), {Kind::kTrigger}));
}

BOOST_AUTO_TEST_CASE(an_input_that_ends_while_it_is_paused_has_its_last_checkpoint_afterwards) {
  Coordinator c(config(), Epoch(1), 0);
  c.pause();
  for (std::uint32_t i = 0; i < kInstances; ++i) BOOST_TEST(is(c.ended(InstanceIndex(i), 10), {}));
  BOOST_TEST((c.ending() && !c.may_cut(11)));
  BOOST_TEST(is(c.go_on(12), {Kind::kTrigger}));
}

BOOST_AUTO_TEST_SUITE_END()
