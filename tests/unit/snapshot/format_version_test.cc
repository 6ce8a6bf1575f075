#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "snapshot/format_version.h"
#include "snapshot/index_file.h"
#include "snapshot/snapshot_file.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

std::vector<std::string> columns_of(Database& db, const std::string& table) {
  Statement rows = take(db.prepare("SELECT name FROM pragma_table_info('" + table + "')"));
  std::vector<std::string> names;
  while (take(rows.step())) names.emplace_back(rows.text(0));
  std::ranges::sort(names);
  return names;
}

// An index as version 1 had it.
void write_version_1(const std::string& path, const CheckpointIndex& index) {
  const auto db = take(Database::create(path, false));
  require_ok(write_index(*db, index));
  require_ok(
      db->execute("ALTER TABLE checkpoint DROP COLUMN note; ALTER TABLE checkpoint DROP COLUMN written_by;"
                  "PRAGMA user_version = 1"));
  require_ok(db->finish());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(format_version)

BOOST_AUTO_TEST_CASE(there_is_a_step_from_every_version_but_the_newest) {
  BOOST_REQUIRE(format_steps().size() + 1 == static_cast<std::size_t>(kSnapshotVersion));
  for (std::size_t i = 0; i < format_steps().size(); ++i) BOOST_TEST(format_steps()[i].from == static_cast<int>(i) + 1);
}

BOOST_AUTO_TEST_CASE(an_earlier_file_is_read_as_one_of_this_version_and_stays_as_it_is) {
  const TempDir dir;
  const CheckpointIndex index = index_of(Epoch(3), 1, {});
  write_version_1(dir / "old.sqlite", index);
  const std::string before = take(system_files().read_file(dir / "old.sqlite"));
  BOOST_TEST((take(load_index(dir / "old.sqlite")) == index));
  BOOST_TEST((take(system_files().read_file(dir / "old.sqlite")) == before));
  const auto old = take(open_versioned(dir / "old.sqlite", FormatPart::kIndex));
  const auto now = take(Database::create(dir / "new.sqlite", false));
  require_ok(write_index(*now, index));
  for (const std::string table : {"checkpoint", "stages", "instances", "files"})
    BOOST_TEST(columns_of(*old, table) == columns_of(*now, table), table);
}

BOOST_AUTO_TEST_CASE(facts_that_came_later_are_covered_by_the_hash) {
  const TempDir dir;
  CheckpointIndex index = index_of(Epoch(3), 1, {});
  index.note = "before the change";
  index.written_by = "0.1.0";
  const auto db = take(Database::create(dir / "x.sqlite", false));
  require_ok(write_index(*db, index));
  BOOST_TEST((take(read_index(*db)) == index));
  for (const char* change : {"UPDATE checkpoint SET note = ''", "UPDATE checkpoint SET note = 'another'",
                             "UPDATE checkpoint SET note = written_by, written_by = note"}) {
    require_ok(db->execute(std::string("SAVEPOINT a;") + change));
    BOOST_TEST((read_index(*db).status().code() == Code::kCorrupt), change);
    require_ok(db->execute("ROLLBACK TO a"));
  }
}

BOOST_AUTO_TEST_CASE(a_later_file_is_refused_with_the_version_that_is_needed) {
  const TempDir dir;
  CheckpointIndex index = index_of(Epoch(3), 1, {});
  index.written_by = "9.8.7";
  {
    const auto db = take(Database::create(dir / "x.sqlite", false));
    require_ok(write_index(*db, index));
    require_ok(db->execute("PRAGMA user_version = " + std::to_string(kSnapshotVersion + 1)));
    require_ok(db->finish());
  }
  const Status refused = load_index(dir / "x.sqlite").status();
  BOOST_TEST((refused.code() == Code::kUsage));
  BOOST_TEST(refused.what().find("use stream 9.8.7 or later") != std::string::npos, refused.what());
}

BOOST_AUTO_TEST_SUITE_END()
