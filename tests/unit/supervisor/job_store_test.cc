#include "supervisor/job_store.h"

#include <sqlite3.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

// Rows beyond the bound, as a job that ran before there was one has them.
void insert(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  BOOST_TEST_REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  BOOST_TEST(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db));
  sqlite3_close(db);
}

const std::string kNumbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) ";

}  // namespace

BOOST_AUTO_TEST_SUITE(job_store)

BOOST_AUTO_TEST_CASE(an_epoch_that_may_have_been_used_is_not_used_by_the_next_supervisor) {
  const TempDir folder;
  const std::string path = folder.path() + "/job.sqlite";
  std::uint64_t epoch = 1;
  for (int supervisor = 0; supervisor < 20; ++supervisor) {
    const auto store = JobStore::open(path);
    BOOST_TEST_REQUIRE(store.ok(), store.status().what());
    BOOST_TEST((*store)->next_epoch().value() >= epoch);
    epoch = (*store)->next_epoch().value();
    for (int i = 0; i < 10; ++i) BOOST_TEST((*store)->reserve(Epoch(epoch++)).ok());
  }
}

BOOST_AUTO_TEST_CASE(the_newest_events_stay) {
  const TempDir folder;
  const std::string path = folder.path() + "/job.sqlite";
  BOOST_TEST_REQUIRE(JobStore::open(path).ok());
  insert(path, kNumbers + "INSERT INTO events (at_us, kind, text) SELECT i, 'old', '' FROM n");
  const auto store = JobStore::open(path);
  BOOST_TEST_REQUIRE(store.ok(), store.status().what());
  BOOST_TEST((*store)->record_event({20'001, "new", ""}).ok());
  const auto events = (*store)->events(30'000);
  BOOST_TEST_REQUIRE(events->size() == static_cast<std::size_t>(kHistoryKept));
  BOOST_TEST(events->back().kind == "new");
  BOOST_TEST(events->front().at_us == 20'001 - kHistoryKept + 1);
}

BOOST_AUTO_TEST_CASE(the_newest_checkpoints_stay) {
  const TempDir folder;
  const std::string path = folder.path() + "/job.sqlite";
  BOOST_TEST_REQUIRE(JobStore::open(path).ok());
  insert(path, kNumbers + "INSERT INTO checkpoints SELECT i, 'complete', i, i, 0, '{}' FROM n");
  const auto store = JobStore::open(path);
  BOOST_TEST((*store)->record_checkpoint({20'001, "complete", 1, 2, 3, "{}"}).ok());
  BOOST_TEST((*store)->record_checkpoint({20'001, "aborted", 1, 2, 3, "{}"}).ok());
  const auto checkpoints = (*store)->checkpoints(30'000);
  BOOST_TEST_REQUIRE(checkpoints->size() == static_cast<std::size_t>(kHistoryKept));
  BOOST_TEST(checkpoints->front().status == "aborted");
  BOOST_TEST(checkpoints->back().epoch == static_cast<std::uint64_t>(20'001 - kHistoryKept + 1));
}

BOOST_AUTO_TEST_SUITE_END()
