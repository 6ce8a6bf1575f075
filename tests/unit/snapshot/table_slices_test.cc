#include "snapshot/table_slices.h"

#include <boost/test/unit_test.hpp>

#include <set>

#include "snapshot/grouping.h"

using namespace stream;

namespace {

constexpr std::uint32_t kGroups = 64;

TableSpec texts_spec() {
  TableSpec spec;
  spec.name = "texts";
  spec.key = {{"n", kBigint}};
  spec.value = {{"text", kVarchar}};
  return spec;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(table_slices)

BOOST_AUTO_TEST_CASE(slices_hold_every_row_once_and_no_more_than_asked_for) {
  StateTable table(texts_spec(), false);
  for (std::int64_t n = 0; n < 1'000; ++n) {
    table.set_bytes(table.upsert({n}).first, 1, std::string(n == 7 ? 50'000 : 100, 'x'));
  }
  for (const std::uint64_t most : {1UL, 5'000UL, 20'000UL, 1'000'000UL}) {
    std::set<std::int64_t> seen;
    std::size_t slices = 0;
    std::uint32_t group = 0;
    const Status visited = for_each_slice(table, kGroups, most, [&](const Batch& rows) -> Status {
      ++slices;
      std::uint64_t bytes = 0;
      const std::vector<std::uint64_t> hashes = group_hashes(table.spec(), rows);
      for (std::size_t i = 0; i < rows.rows; ++i) {
        BOOST_TEST(seen.insert(rows.columns[0].value<std::int64_t>(i)).second);
        bytes += 12 + rows.columns[1].bytes(i).size();
        const std::uint32_t now = key_group_of(hashes[i], kGroups).value();
        if (most < 1'000'000) BOOST_TEST(now >= group);
        group = now;
      }
      BOOST_TEST((bytes <= most || rows.rows == 1));
      return {};
    });
    BOOST_TEST(visited.ok());
    BOOST_TEST(seen.size() == 1'000u);
    BOOST_TEST((slices == 1) == (most == 1'000'000));
  }
}

BOOST_AUTO_TEST_CASE(an_empty_table_is_not_visited_and_an_error_ends_the_visit) {
  StateTable table(texts_spec(), false);
  int visits = 0;
  const auto fail = [&](const Batch&) {
    ++visits;
    return failed("enough");
  };
  BOOST_TEST(for_each_slice(table, kGroups, 1, fail).ok());
  table.upsert({std::int64_t{1}});
  table.upsert({std::int64_t{2}});
  BOOST_TEST(!for_each_slice(table, kGroups, 1, fail).ok());
  BOOST_TEST(visits == 1);
}

BOOST_AUTO_TEST_SUITE_END()
