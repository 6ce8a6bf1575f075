#include "stages/kit/dead_letter.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/failing_files.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

constexpr std::size_t kMuch = 3 << 20;  // more than memory holds of an epoch

std::string run_of(char digit) { return std::string(32, digit); }

// An instance's letters over a folder, as one process has them.
struct Letters {
  StateStore store;
  DeadLetter letters;

  explicit Letters(const std::string& folder, Files& files = system_files(), char run = 'a')
      : letters(files, store, {folder, "in", 0, run_of(run)}) {}

  // Lines of this tag, about so many bytes of them; what they are.
  std::string add(const std::string& tag, std::size_t bytes) {
    std::string all;
    for (std::size_t i = 0; all.size() < bytes; ++i) {
      const std::string line = tag + std::string(1000, 'x') + std::to_string(i) + "\n";
      BOOST_TEST_REQUIRE(letters.add(line).ok());
      all += line;
    }
    return all;
  }
  Status commit(Epoch epoch) {
    STREAM_TRY(letters.write(letters.commits(epoch)));
    letters.committed(epoch);
    return {};
  }
  Outbox& outbox() { return store.outbox(outbox_spec("kit_dead_letter", {{"line", kVarchar}, {"spilled", kBigint}})); }
  // A process that holds what this one had prepared.
  void hand_over(Letters& to) {
    for (const OutboxBatch& batch : outbox().all()) to.outbox().load(outbox_rows(batch));
  }
};

// The names in a folder, and all that is in the files that are done, in the order of their names.
std::vector<std::string> names_in(const std::string& folder) {
  const auto names = system_files().list(folder);
  return names.ok() ? *names : std::vector<std::string>();
}

std::string text_in(const std::string& folder) {
  std::string text;
  for (const std::string& name : names_in(folder)) {
    if (name.ends_with(".ndjson")) text += *system_files().read_file(folder + "/" + name);
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dead_letter)

BOOST_AUTO_TEST_CASE(few_lines_wait_in_the_snapshot_in_batches_of_the_usual_size) {
  const TempDir dir;
  Letters in(dir.path());
  const std::string all = in.add("", 900'000);
  BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(1)).ok());
  BOOST_TEST(names_in(dir.path()).empty());
  for (const Batch& batch : in.outbox().batches({Epoch(1), 0})) {
    BOOST_TEST(batch.rows <= kBatchRowsMax);
    BOOST_TEST(batch.size_bytes() < kBatchBytesTarget + 20'000);
  }
  BOOST_TEST_REQUIRE(in.commit(Epoch(1)).ok());
  BOOST_TEST((text_in(dir.path()) == all));
  BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(2)).ok());
  BOOST_TEST(in.letters.commits(Epoch(2)).empty());  // nothing came since
}

BOOST_AUTO_TEST_CASE(an_epoch_of_any_size_takes_little_memory) {
  const TempDir dir;
  Letters in(dir.path());
  std::string all = in.add("first", kMuch);
  BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(1)).ok());
  BOOST_TEST(in.outbox().rows() == 1u);
  BOOST_TEST(text_in(dir.path()).empty());
  all += in.add("second", kMuch);  // meanwhile
  BOOST_TEST_REQUIRE(in.commit(Epoch(1)).ok());
  BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(2)).ok());
  BOOST_TEST_REQUIRE(in.commit(Epoch(2)).ok());
  BOOST_TEST((text_in(dir.path()) == all));
  BOOST_TEST((names_in(dir.path()) == std::vector<std::string>{"in.0.1.aaaaaaaa.ndjson", "in.0.2.aaaaaaaa.ndjson"}));
}

BOOST_AUTO_TEST_CASE(many_epochs_that_are_never_completed_take_little_memory) {
  const TempDir dir;
  Letters in(dir.path());
  std::string all;
  for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
    all += in.add("e" + std::to_string(epoch), 200'000);
    BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(epoch)).ok());
  }
  BOOST_TEST(in.outbox().size_bytes() < std::size_t{2} << 20);
  BOOST_TEST_REQUIRE(in.commit(Epoch(20)).ok());
  BOOST_TEST(text_in(dir.path()).size() == all.size());
  BOOST_TEST(names_in(dir.path()).size() == 20u);
}

BOOST_AUTO_TEST_CASE(what_was_prepared_is_written_once_by_whoever_comes_next) {
  const TempDir dir;
  for (const bool committed_before : {false, true}) {
    Letters dead(dir.path());
    const std::string all = dead.add("kept", kMuch);
    BOOST_TEST_REQUIRE(dead.letters.prepare(Epoch(1)).ok());
    Letters next(dir.path());
    dead.hand_over(next);
    if (committed_before) BOOST_TEST_REQUIRE(dead.commit(Epoch(1)).ok());
    dead.add("lost", kMuch);
    BOOST_TEST_REQUIRE(dead.letters.prepare(Epoch(2)).ok());
    dead.add("lost", kMuch);
    BOOST_TEST_REQUIRE(next.letters.on_restored(Epoch(1)).ok());
    BOOST_TEST(names_in(dir.path()).size() == 1u);  // what the dead process left behind epoch 1 is gone
    BOOST_TEST_REQUIRE(next.commit(Epoch(1)).ok());
    BOOST_TEST((text_in(dir.path()) == all));
    BOOST_TEST_REQUIRE(system_files().remove(dir / "in.0.1.aaaaaaaa.ndjson").ok());
  }
}

BOOST_AUTO_TEST_CASE(a_new_run_takes_nothing_from_the_one_before_and_removes_what_it_left_pending) {
  const TempDir dir;
  Letters before(dir.path(), system_files(), 'a');
  const std::string all = before.add("kept", kMuch);
  BOOST_TEST_REQUIRE(before.letters.prepare(Epoch(1)).ok());
  BOOST_TEST_REQUIRE(before.commit(Epoch(1)).ok());
  before.add("never committed", kMuch);
  BOOST_TEST_REQUIRE(before.letters.prepare(Epoch(2)).ok());
  Letters now(dir.path(), system_files(), 'b');
  BOOST_TEST_REQUIRE(now.letters.rewind(Epoch(0)).ok());
  BOOST_TEST_REQUIRE(now.letters.on_restored(Epoch(0)).ok());
  BOOST_TEST((text_in(dir.path()) == all));
  BOOST_TEST(names_in(dir.path()).size() == 1u);
}

BOOST_AUTO_TEST_CASE(falling_back_removes_the_files_of_later_epochs_for_good) {
  const TempDir dir;
  Letters in(dir.path());
  const std::string kept = in.add("kept", 1'000);
  BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(1)).ok());
  in.add("comes again", 1'000);
  BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(2)).ok());
  BOOST_TEST_REQUIRE(in.commit(Epoch(2)).ok());
  FailingFiles failing(2, FailingFiles::Effect::kNone);  // the removal, then the sync of its folder
  BOOST_TEST(!Letters(dir.path(), failing).letters.rewind(Epoch(1)).ok());
  BOOST_TEST((text_in(dir.path()) == kept));
}

BOOST_AUTO_TEST_CASE(whatever_fails_every_line_is_written_once) {
  for (const auto effect : {FailingFiles::Effect::kNone, FailingFiles::Effect::kAll}) {
    bool met = true;
    for (int n = 1; met; ++n) {
      const TempDir dir;
      FailingFiles failing(n, effect);
      Letters in(dir / "letters", failing);
      std::string all;
      for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
        all += in.add("e" + std::to_string(epoch), epoch % 2 == 0 ? kMuch : 100);
        if (!in.letters.prepare(Epoch(epoch)).ok()) continue;  // aborted
        if (!in.commit(Epoch(epoch)).ok()) BOOST_TEST_REQUIRE(in.commit(Epoch(epoch)).ok());
      }
      BOOST_TEST_REQUIRE(in.letters.prepare(Epoch(5)).ok());
      BOOST_TEST_REQUIRE(in.commit(Epoch(5)).ok());
      BOOST_TEST((text_in(dir / "letters") == all), "operation " << n);
      for (const std::string& name : names_in(dir / "letters")) BOOST_TEST(!name.ends_with(".pending"), name);
      met = failing.met();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
