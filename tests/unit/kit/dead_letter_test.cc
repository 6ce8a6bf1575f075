#include "stages/kit/dead_letter.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/temp_dir.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(dead_letter)

BOOST_AUTO_TEST_CASE(an_epoch_of_any_size_is_kept_in_batches_of_the_usual_size) {
  const TempDir dir;
  StateStore store;
  DeadLetter letters(system_files(), store, dir.path(), "in");
  std::string all;
  const auto add = [&](std::size_t lines, std::size_t size) {
    for (std::size_t i = 0; i < lines; ++i) {
      const std::string line = std::string(size, 'x') + std::to_string(i) + "\n";
      BOOST_TEST_REQUIRE(letters.add(line).ok());
      all += line;
    }
  };
  add(2 * kBatchRowsMax, 1);
  add(200, 10'000);
  letters.prepare(Epoch(1));
  const Outbox& outbox = store.outbox(outbox_spec("kit_dead_letter", {{"line", kVarchar}}));
  BOOST_TEST(outbox.rows() == 2 * kBatchRowsMax + 200);
  for (const Batch& batch : outbox.batches({Epoch(1), 0})) {
    BOOST_TEST(batch.rows <= kBatchRowsMax);
    BOOST_TEST(batch.size_bytes() < kBatchBytesTarget + 20'000);
  }
  const auto commits = letters.commits(Epoch(1));
  BOOST_TEST_REQUIRE(commits.size() == 1u);
  BOOST_TEST((commits[0].text == all));
  letters.prepare(Epoch(2));
  BOOST_TEST(letters.commits(Epoch(2)).size() == 1u);  // nothing came since
}

BOOST_AUTO_TEST_SUITE_END()
