#include <boost/test/unit_test.hpp>

#include <set>

#include "stages/kit/outbox_sink.h"
#include "stages/write-kafka/commit_mark.h"
#include "stages/write-nats/message_ids.h"
#include "tests/support/sink_rig.h"

using namespace stream;

namespace {

// What is outside of all processes: the committables that are visible, and how often each was.
struct World {
  std::map<Committable, int> times;
  int commits = 0;
  int dies_within = 0;  // the nth make_visible() dies behind the first committable; 0: none
};

// Looks up what may be there already, and nothing else: what OutboxSink promises to be enough.
class Recorder final : public OutboxSink {
 public:
  Recorder(Context& context, World& world)
      : OutboxSink(context, outbox_spec("outbox", context.inputs[0]->fields)), world_(world) {}
  Status rewind(Epoch) override { return {}; }

 protected:
  Status begin(Epoch, std::span<const Prepared>) override { return {}; }
  Status make_visible(std::span<const Prepared> due) override {
    ++world_.commits;
    for (const Prepared& prepared : due) {
      if (prepared.restored && world_.times.contains(prepared.committable)) continue;
      ++world_.times[prepared.committable];
      if (world_.commits == world_.dies_within) return failed("dies");
    }
    return {};
  }
  Status write_now(const std::vector<Batch>&) override { return {}; }

 private:
  World& world_;
};

const SchemaPtr kSchema = std::make_shared<const Schema>(*parse_schema("n bigint, s varchar"));

SinkScript script() {
  SinkScript out;
  for (int epoch = 0; epoch < 4; ++epoch) out.epochs.push_back({rows_of(kSchema, {"+I 1 a", "+I 2 b"})});
  out.aborted = {1};
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(commits)

BOOST_AUTO_TEST_CASE(each_committable_is_made_visible_once_wherever_a_process_dies) {
  const TempDir folder;
  std::size_t deaths = 0;
  for (std::size_t steps = 0;; ++steps) {
    World world;
    const auto make = [&](Context& context) -> Result<std::unique_ptr<Sink>> {
      return std::unique_ptr<Sink>(new Recorder(context, world));
    };
    SinkRig rig(make, Values(), kSchema, folder.path());
    const bool died = !rig.live(script(), steps);
    if (died) BOOST_REQUIRE(rig.live(script()));
    for (const auto& [committable, times] : world.times) {
      BOOST_TEST(times == 1, "epoch " << committable.epoch.value() << " died after " << steps);
    }
    BOOST_TEST(world.times.size() >= 3U);
    if (!died) break;
    ++deaths;
  }
  BOOST_TEST(deaths > 20U);
}

BOOST_AUTO_TEST_CASE(a_commit_that_comes_before_the_last_one_is_noted_makes_nothing_visible_again) {
  World world;
  StateStore store;
  Values values;
  ManualClock clock;
  NoEmitter out;
  Context context{values, "", {kSchema}, {}, store, clock, "job", "sink", "run", 0, 1, 1024, 64 << 20, true};
  Recorder sink(context, world);
  require_ok(sink.on_restored(Epoch(0)));
  for (const Epoch epoch : {Epoch(1), Epoch(2)}) {
    require_ok(sink.on_batch(0, rows_of(kSchema, {"+I 1 a"}), out));
    require_ok(sink.prepare(epoch));
    require_ok(sink.commit(epoch));
  }
  require_ok(sink.committed(Epoch(1)));
  require_ok(sink.committed(Epoch(2)));
  BOOST_TEST(world.times.size() == 2U);
  for (const auto& [committable, times] : world.times) BOOST_TEST(times == 1);
}

BOOST_AUTO_TEST_CASE(a_mark_says_what_is_committed_and_its_absence_only_for_a_day) {
  const Committable rows{Epoch(7), 0};
  const auto committed = [&](std::optional<CommitMark> mark, Microseconds age) {
    const auto answer = is_committed(mark, "run", rows, age);
    return !answer.ok() ? "unknown" : *answer ? "yes" : "no";
  };
  BOOST_TEST(committed(CommitMark{"run", Epoch(6)}, 0) == "no");
  BOOST_TEST(committed(CommitMark{"run", Epoch(7)}, 0) == "yes");
  BOOST_TEST(committed(CommitMark{"run", Epoch(9)}, 10 * kMarksLive) == "yes");
  BOOST_TEST(committed(CommitMark{"run", Epoch(6)}, 10 * kMarksLive) == "no");
  BOOST_TEST(committed(CommitMark{"another", Epoch(9)}, kMarksLive - 1) == "no");
  BOOST_TEST(committed(std::nullopt, kMarksLive - 1) == "no");
  BOOST_TEST(committed(std::nullopt, kMarksLive) == "unknown");
  BOOST_TEST(committed(CommitMark{"another", Epoch(9)}, kMarksLive) == "unknown");
}

BOOST_AUTO_TEST_CASE(ids_of_messages_are_found_again) {
  const MessageIds ids("0123", "out");
  const Committable rows{Epoch(12), 3};
  BOOST_TEST(ids.id(rows, 45) == "0123/out/3/12/45");
  BOOST_TEST((ids.row_of(rows, "0123/out/3/12/45") == 45U));
  for (const char* other :
       {"0123/out/3/1/45", "0123/out/3/12/", "0123/out/3/12/4x", "0124/out/3/12/45", "", "0123/out/3/120/5"}) {
    BOOST_TEST(!ids.row_of(rows, other).has_value(), other);
  }
  BOOST_TEST((ids.epoch_of("0123/out/0/99/1") == Epoch(99)));
  for (const char* other : {"0123/in/0/99/1", "0123/out/0", "0123/out/0/x/1"}) {
    BOOST_TEST(!ids.epoch_of(other).has_value(), other);
  }
}

BOOST_AUTO_TEST_SUITE_END()
