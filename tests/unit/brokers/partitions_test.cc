#include <boost/test/unit_test.hpp>

#include "snapshot/state_store.h"
#include "stages/read-kafka/discovery.h"
#include "transport/record/batch.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(partitions)

BOOST_AUTO_TEST_CASE(every_partition_has_one_owner_whatever_the_parallelism) {
  for (const std::uint32_t parallelism : {1U, 2U, 5U}) {
    std::vector<std::int32_t> found;
    for (std::uint32_t instance = 0; instance < parallelism; ++instance) {
      const Search search{{"t"}, {}, instance, parallelism, {}, {}};
      for (const std::int32_t partition : new_partitions(search, "t", 40)) {
        BOOST_TEST(partition_owner("t", partition, parallelism) == instance);
        found.push_back(partition);
      }
    }
    BOOST_TEST(found.size() == 40U);
    BOOST_TEST(std::set<std::int32_t>(found.begin(), found.end()).size() == 40U);
  }
}

BOOST_AUTO_TEST_CASE(what_is_read_already_is_not_found_again) {
  const Search search{{"t"}, {}, 0, 1, {{"t", 3}}, {{"t", 0}, {"t", 2}, {"u", 1}}};
  BOOST_TEST(new_partitions(search, "t", 4) == (std::vector<std::int32_t>{1, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(positions_are_rows_of_the_state_tables) {
  StateStore store;
  PositionTables tables(store);
  tables.store({{"t", 0, 5, 9}, {"t", 1, 0, 0}}, {{"t", 2}});
  tables.store({{"t", 0, 7, 9}, {"t", 1, 0, 0}, {"t", 2, 1, 0}}, {{"t", 3}});
  std::vector<PartitionPosition> found = tables.positions();
  std::ranges::sort(found, {}, &PartitionPosition::partition);
  BOOST_TEST((found == std::vector<PartitionPosition>{{"t", 0, 7, 9}, {"t", 1, 0, 0}, {"t", 2, 1, 0}}));
  // How many there were when the run began does not change.
  BOOST_TEST((tables.first() == FirstPartitions{{"t", 2}}));
}

BOOST_AUTO_TEST_CASE(where_to_start_is_a_word_or_a_time) {
  BOOST_TEST((parse_start("earliest")->kind == StartAt::Kind::kEarliest));
  BOOST_TEST((parse_start("latest")->kind == StartAt::Kind::kLatest));
  BOOST_TEST(parse_start("1970-01-01T00:00:01Z")->time == 1'000'000);
  BOOST_TEST(parse_start("1970-01-01T01:00:01+01:00")->time == 1'000'000);
  BOOST_TEST(parse_start("2026-01-31")->time == 1'769'817'600'000'000);
  for (const char* wrong : {"", "yesterday", "12", "EARLIEST"}) BOOST_TEST(!parse_start(wrong).ok(), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
