#include <sqlite3.h>

#include <boost/test/unit_test.hpp>

#include "stages/read-sqlite/source_database.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

// A database with one table of these values, as SQL writes them.
std::string database_of(const TempDir& folder, const std::vector<std::string>& values) {
  const std::string path = folder / "a.db";
  sqlite3* db = nullptr;
  BOOST_REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  std::string sql = "create table t (x);";
  for (const std::string& value : values) sql += "insert into t values (" + value + ");";
  BOOST_REQUIRE(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  return path;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(positions)

BOOST_AUTO_TEST_CASE(behind_the_position_of_a_row_comes_the_next_one) {
  const TempDir folder;
  const std::vector<std::string> values = {"-9223372036854775808",
                                           "4.9406564584124654e-324",
                                           "0.1 + 0.2",
                                           "7",
                                           "1e308 * 10",
                                           "'a'",
                                           "'b'",
                                           "x'00'",
                                           "x'ff'"};
  const auto database = SourceDatabase::open(database_of(folder, values));
  BOOST_REQUIRE(database.ok());
  auto all = (*database)->query("select x from t order by x");
  BOOST_REQUIRE(all.ok());
  for (std::size_t behind = values.size(); behind-- > 0;) {
    BOOST_REQUIRE(*all->step());
    const std::string position = position_text(all->value(0));
    auto rest = (*database)->query("select count(*) from t where x > ?1");
    BOOST_REQUIRE(rest->bind_position(1, position).ok());
    BOOST_REQUIRE(*rest->step());
    BOOST_TEST(rest->value(0).integer == static_cast<std::int64_t>(behind), position);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_position_is_an_error) {
  const TempDir folder;
  const auto database = SourceDatabase::open(database_of(folder, {}));
  auto rows = (*database)->query("select x from t where x > ?1");
  for (const char* text : {"q1", "r", "rx", "r1x", "i", "ix"}) BOOST_TEST(!rows->bind_position(1, text).ok(), text);
}

BOOST_AUTO_TEST_SUITE_END()
