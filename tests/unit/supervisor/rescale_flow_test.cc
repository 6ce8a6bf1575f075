#include "supervisor/rescale_flow.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>

using namespace stream;
using Kind = RescaleAction::Kind;
using Phase = RescalePhase;

namespace {

constexpr Epoch kEpoch(7);
constexpr Microseconds kLate = RescaleFlow::kPatience + 1;

std::set<InstanceIndex> two() { return {InstanceIndex(0), InstanceIndex(3)}; }

bool is(const RescaleFlow::Actions& actions, std::initializer_list<Kind> wanted) {
  std::vector<Kind> kinds;
  for (const RescaleAction& action : actions) kinds.push_back(action.kind);
  return kinds == std::vector<Kind>(wanted);
}

RescaleFlow cutting() {
  RescaleFlow flow(two(), false);
  flow.quiet(kEpoch, 0);
  flow.holding(InstanceIndex(0), kEpoch);
  flow.holding(InstanceIndex(3), kEpoch);
  return flow;
}

RescaleFlow rewiring() {
  RescaleFlow flow = cutting();
  flow.committed(kEpoch, 0);
  return flow;
}

// Everything that can happen; the epochs are the right one and another.
using Event = std::function<RescaleFlow::Actions(RescaleFlow&)>;
const std::vector<Event>& events() {
  static const std::vector<Event> all = {
      [](RescaleFlow& f) { return f.quiet(kEpoch, 0); },
      [](RescaleFlow& f) { return f.holding(InstanceIndex(0), kEpoch); },
      [](RescaleFlow& f) { return f.holding(InstanceIndex(3), kEpoch); },
      [](RescaleFlow& f) { return f.holding(InstanceIndex(3), Epoch(6)); },
      [](RescaleFlow& f) { return f.aborted(kEpoch, "why"); },
      [](RescaleFlow& f) { return f.aborted(Epoch(6), "why"); },
      [](RescaleFlow& f) { return f.committed(kEpoch, 0); },
      [](RescaleFlow& f) { return f.committed(Epoch(6), 0); },
      [](RescaleFlow& f) { return f.detached(0); },
      [](RescaleFlow& f) { return f.retired(); },
      [](RescaleFlow& f) { return f.ready(); },
      [](RescaleFlow& f) { return f.tick(1); },
      [](RescaleFlow& f) { return f.tick(kLate); },
  };
  return all;
}

// What must hold of every action, whatever came before it.
struct History {
  std::vector<Kind> done;

  bool did(Kind kind) const { return std::ranges::find(done, kind) != done.end(); }
  void take(Kind kind, const RescaleFlow& flow) {
    BOOST_TEST(!did(kind));  // each at most once
    BOOST_TEST(!(did(Kind::kFinish) || did(Kind::kRelease) || did(Kind::kFail)));
    switch (kind) {
      case Kind::kHold: BOOST_TEST(done.empty()); break;
      case Kind::kCut: BOOST_TEST((flow.epoch() == kEpoch)); break;
      case Kind::kRelease: BOOST_TEST((did(Kind::kCut) && !did(Kind::kRewire) && !did(Kind::kRestart))); break;
      case Kind::kRewire: BOOST_TEST((did(Kind::kCut) && did(Kind::kHold) && !flow.whole())); break;
      case Kind::kRestart: BOOST_TEST((did(Kind::kCut) && flow.whole() && !did(Kind::kRewire))); break;
      case Kind::kRetire: BOOST_TEST(did(Kind::kRewire)); break;
      case Kind::kStart: BOOST_TEST(did(Kind::kRetire)); break;
      case Kind::kFinish: BOOST_TEST((did(Kind::kStart) || did(Kind::kRestart))); break;
      case Kind::kFail: BOOST_TEST((did(Kind::kRewire) && !did(Kind::kStart))); break;
    }
    done.push_back(kind);
  }
};

void explore(const RescaleFlow& flow, const History& history, int depth, std::set<Kind>& seen) {
  if (depth == 0) return;
  for (const Event& event : events()) {
    RescaleFlow next = flow;
    History then = history;
    const auto actions = event(next);
    for (const RescaleAction& action : actions) {
      then.take(action.kind, next);
      seen.insert(action.kind);
    }
    // What changes nothing leads nowhere new.
    if (!actions.empty() || !(next == flow)) explore(next, then, depth - 1, seen);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rescale_flow)

BOOST_AUTO_TEST_CASE(neighbours_stop_before_the_checkpoint_and_new_ones_begin_behind_it) {
  RescaleFlow flow(two(), false);
  BOOST_TEST(is(flow.quiet(kEpoch, 0), {Kind::kHold}));
  BOOST_TEST(is(flow.holding(InstanceIndex(0), kEpoch), {}));
  BOOST_TEST(is(flow.holding(InstanceIndex(3), kEpoch), {Kind::kCut}));
  BOOST_TEST(!flow.switching());
  BOOST_TEST(is(flow.committed(kEpoch, 0), {Kind::kRewire}));
  BOOST_TEST(flow.switching());
  BOOST_TEST(is(flow.detached(0), {Kind::kRetire}));
  BOOST_TEST(is(flow.retired(), {Kind::kStart}));
  BOOST_TEST(is(flow.ready(), {Kind::kFinish}));
  BOOST_TEST((flow.phase() == Phase::kOver && !flow.switching()));
}

BOOST_AUTO_TEST_CASE(all_start_anew_where_somebody_cannot_stop) {
  RescaleFlow flow(two(), true);
  BOOST_TEST(is(flow.quiet(kEpoch, 0), {Kind::kCut}));
  BOOST_TEST(is(flow.committed(kEpoch, 0), {Kind::kRestart}));
  BOOST_TEST(is(flow.tick(kLate), {}));  // how long they take to start is for others to judge
  BOOST_TEST(is(flow.ready(), {Kind::kFinish}));
}

BOOST_AUTO_TEST_CASE(who_does_not_answer_is_not_waited_for) {
  RescaleFlow flow(two(), false);
  flow.quiet(kEpoch, 0);
  flow.holding(InstanceIndex(0), kEpoch);
  BOOST_TEST(is(flow.tick(kLate - 2), {}));
  BOOST_TEST(is(flow.tick(kLate), {Kind::kCut}));
  BOOST_TEST(is(flow.holding(InstanceIndex(3), kEpoch), {}));
  BOOST_TEST(is(flow.committed(kEpoch, 0), {Kind::kRestart}));
  for (RescaleFlow late : {rewiring(), [] {
                             RescaleFlow retiring = rewiring();
                             retiring.detached(0);
                             return retiring;
                           }()}) {
    BOOST_TEST(is(late.tick(kLate), {Kind::kFail}));
  }
}

BOOST_AUTO_TEST_CASE(an_aborted_checkpoint_takes_everything_back) {
  RescaleFlow flow = cutting();
  const auto actions = flow.aborted(kEpoch, "disk full");
  BOOST_TEST(is(actions, {Kind::kRelease}));
  BOOST_TEST(actions[0].reason == "disk full");
  BOOST_TEST(is(flow.committed(kEpoch, 0), {}));
}

BOOST_AUTO_TEST_CASE(other_checkpoints_mean_nothing) {
  RescaleFlow flow = cutting();
  BOOST_TEST(is(flow.aborted(Epoch(6), "late"), {}));
  BOOST_TEST(is(flow.committed(Epoch(6), 0), {}));
  BOOST_TEST(is(flow.committed(kEpoch, 0), {Kind::kRewire}));
}

BOOST_AUTO_TEST_CASE(whatever_happens_in_whatever_order_each_step_follows_from_those_before) {
  std::set<Kind> seen;
  for (const bool whole : {false, true}) explore(RescaleFlow(two(), whole), {}, 9, seen);
  BOOST_TEST(seen.size() == 9u);  // none of them is out of reach
}

BOOST_AUTO_TEST_SUITE_END()
