#include "supervisor/job_store.h"

#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/job_autoscale.h"
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

BOOST_AUTO_TEST_CASE(who_only_looks_writes_nothing) {
  const TempDir folder;
  const std::string path = folder.path() + "/job.sqlite";
  BOOST_TEST((*JobStore::open(path))->record_event({1, "started", ""}).ok());
  const auto before = std::filesystem::last_write_time(path);
  {
    const auto store = JobStore::open(path);
    BOOST_TEST((*store)->events(1)->size() == 1U);
    BOOST_TEST((*store)->load().ok());
  }
  BOOST_TEST((std::filesystem::last_write_time(path) == before));
}

BOOST_AUTO_TEST_CASE(what_a_later_version_wrote_is_neither_read_nor_written) {
  const TempDir folder;
  const std::string path = folder.path() + "/job.sqlite";
  BOOST_TEST_REQUIRE(JobStore::open(path).ok());
  insert(path, "PRAGMA user_version = 7");
  for (int i = 0; i < 2; ++i) {
    const auto store = JobStore::open(path);
    BOOST_TEST((store.status().code() == Code::kUsage));
    BOOST_TEST(store.status().what().find("has format version 7") != std::string::npos, store.status().what());
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
  const auto counts = (*store)->checkpoint_counts();
  BOOST_TEST_REQUIRE(counts.ok(), counts.status().what());
  BOOST_TEST(counts->completed == 20'000U);  // those that are not kept as well
  BOOST_TEST(counts->failed == 1U);
}

BOOST_AUTO_TEST_CASE(sizes_and_times_are_those_of_the_whole_life) {
  const TempDir folder;
  const std::string path = folder.path() + "/job.sqlite";
  BOOST_TEST_REQUIRE(JobStore::open(path).ok());
  insert(path, kNumbers + "INSERT INTO checkpoints SELECT i, 'complete', i, i + 2 * i, i, '{}' FROM n");
  insert(path, "UPDATE checkpoints SET status = 'aborted', bytes = 1000000 WHERE epoch = 7");
  for (const std::uint64_t epoch : {20'001U, 20'002U, 20'003U}) {
    const auto store = JobStore::open(path);  // that each has what the one before had summed up
    BOOST_TEST((*store)->record_checkpoint({epoch, "complete", 1, 2, 3, "{}"}).ok());
  }
  const auto store = JobStore::open(path);
  BOOST_TEST((*store)->record_checkpoint({20'004, "aborted", 1, 2'000'000, 2'000'000, "{}"}).ok());
  const auto spreads = (*store)->checkpoint_spreads();
  BOOST_TEST_REQUIRE(spreads.ok(), spreads.status().what());
  BOOST_TEST(spreads->bytes.number == 20'002U);
  BOOST_TEST(spreads->bytes.least == 1);
  BOOST_TEST(spreads->bytes.most == 20'000);
  BOOST_TEST(spreads->bytes.sum == 20'000.0 * 20'001 / 2 - 7 + 9);
  BOOST_TEST(spreads->duration_us.least == 1);
  BOOST_TEST(spreads->duration_us.most == 40'000);
  BOOST_TEST(spreads->duration_us.sum == 20'000.0 * 20'001 - 14 + 3);
  BOOST_TEST(spreads->bytes.values.size() == static_cast<std::size_t>(kHistoryKept) - 1);
}

BOOST_AUTO_TEST_CASE(a_new_run_leaves_checkpoints_as_history) {
  const TempDir folder;
  const auto store = JobStore::open(folder.path() + "/job.sqlite");
  BOOST_TEST_REQUIRE(store.ok());
  BOOST_TEST((*store)->leave_checkpoints("first").ok());
  const Epoch old = (*store)->next_epoch();
  BOOST_TEST((*store)->reserve(old).ok());
  BOOST_TEST((*store)->record_checkpoint({old.value(), "committed", 1, 2, 3, "{}"}).ok());
  BOOST_TEST((*store)->leave_checkpoints("second").ok());
  BOOST_TEST((*store)->checkpoints(10)->empty());
  BOOST_TEST((*store)->record_checkpoint({(*store)->next_epoch().value(), "complete", 1, 2, 3, "{}"}).ok());
  BOOST_TEST((*store)->checkpoints(10)->size() == 1U);
  const auto history = (*store)->checkpoint_history(10);
  BOOST_TEST_REQUIRE(history->size() == 2U);
  BOOST_TEST(history->front().run == "second");
  BOOST_TEST(history->back().run == "first");
}

BOOST_AUTO_TEST_CASE(attempts_are_kept_and_counted) {
  const TempDir folder;
  const auto store = JobStore::open(folder.path() + "/job.sqlite");
  BOOST_TEST_REQUIRE(store.ok());
  const auto last = static_cast<std::uint64_t>(kAttemptsKept) + 5;
  for (std::uint64_t i = 1; i <= last; ++i)
    BOOST_TEST(
        (*store)->begin_attempt({.attempt = i, .run = "r", .started_us = 10, .restored = i == 1 ? 0U : 7U}).ok());
  BOOST_TEST((*store)
                 ->record_attempt({.attempt = last, .run = "r", .running_us = 11, .ended_us = 12, .outcome = "failed"})
                 .ok());
  const auto attempts = (*store)->attempts(1000);
  BOOST_TEST_REQUIRE(attempts->size() == static_cast<std::size_t>(kAttemptsKept));
  BOOST_TEST(attempts->front().outcome == "failed");
  BOOST_TEST(attempts->front().started_us == 10);
  BOOST_TEST((*attempts)[1].outcome == "lost");  // nobody has ended it
  BOOST_TEST((*store)->checkpoint_counts()->restored == last - 1);
}

namespace {

void run_of(JobStore& store, const std::string& run, const std::string& parent = "", std::uint64_t base = 0) {
  JobRecord record;
  record.id = "job";
  record.run = run;
  record.parent = parent;
  record.base = base;
  BOOST_TEST_REQUIRE(store.save(record).ok());
}

bool descends(JobStore& store, const std::string& of, const std::string& run, std::uint64_t epoch) {
  const auto found = store.descends(of, run, Epoch(epoch));
  BOOST_TEST_REQUIRE(found.ok());
  return *found;
}

}  // namespace

// First went on to 20, second from 5 of it, third from 8 of that.
BOOST_AUTO_TEST_CASE(what_a_run_has_come_from_is_known) {
  const TempDir folder;
  const auto store = *JobStore::open(folder.path() + "/job.sqlite");
  run_of(*store, "first");
  run_of(*store, "second", "first", 5);
  run_of(*store, "third", "second", 8);
  BOOST_TEST(descends(*store, "third", "third", 100));
  BOOST_TEST(descends(*store, "third", "second", 8));
  BOOST_TEST(!descends(*store, "third", "second", 9));
  BOOST_TEST(descends(*store, "third", "first", 5));
  BOOST_TEST(!descends(*store, "third", "first", 6));
  BOOST_TEST(!descends(*store, "first", "second", 1));
  BOOST_TEST(!descends(*store, "third", "unheard-of", 1));
  BOOST_TEST(!descends(*store, "", "first", 1));
  const auto loaded = store->load();
  BOOST_TEST_REQUIRE(loaded->has_value());
  BOOST_TEST((*loaded)->output_run == "third");
  BOOST_TEST((*loaded)->parent == "second");
  BOOST_TEST((*loaded)->base == 8U);
}

BOOST_AUTO_TEST_CASE(what_was_taken_back_is_nothing_to_go_on_from) {
  const TempDir folder;
  const auto store = *JobStore::open(folder.path() + "/job.sqlite");
  run_of(*store, "first");
  BOOST_TEST(store->reserve(Epoch(20)).ok());
  for (int again = 0; again < 2; ++again) BOOST_TEST(store->take_back("first", Epoch(10)).ok());
  BOOST_TEST(store->reserve(Epoch(25)).ok());
  BOOST_TEST(descends(*store, "first", "first", 10));
  BOOST_TEST(!descends(*store, "first", "first", 11));
  BOOST_TEST(!descends(*store, "first", "first", 20));
  BOOST_TEST(descends(*store, "first", "first", 21));
  run_of(*store, "second", "first", 25);
  BOOST_TEST(!descends(*store, "second", "first", 15));
  BOOST_TEST(descends(*store, "second", "first", 21));
}

BOOST_AUTO_TEST_CASE(what_a_job_has_decided_of_its_instances_is_kept) {
  const TempDir folder;
  const std::string path = folder.path() + "/job.sqlite";
  const ElasticMemory memory{{{"totals", 4}}, {{"totals", {1'000'000, 1, 4, 120.5, 482}}}};
  {
    const auto store = *JobStore::open(path);
    BOOST_TEST(store->elastic_memory()->empty());
    BOOST_TEST(store->save_elastic_memory(memory_to_json(memory)).ok());
  }
  const auto store = *JobStore::open(path);
  BOOST_TEST((memory_from_json(*store->elastic_memory()) == memory));
  run_of(*store, "first");
  // Whoever leads next knows it; from one that did not know of it yet there is nothing.
  const std::string essentials = *store->essentials();
  const auto next = *JobStore::open(folder.path() + "/next.sqlite");
  BOOST_TEST_REQUIRE(next->adopt(essentials, Epoch(1)).ok());
  BOOST_TEST((memory_from_json(*next->elastic_memory()) == memory));
  nlohmann::json earlier = nlohmann::json::parse(essentials);
  earlier.erase("elastic");
  BOOST_TEST_REQUIRE(next->adopt(earlier.dump(), Epoch(1)).ok());
  BOOST_TEST(next->elastic_memory()->empty());
  for (const char* damaged :
       {"", "{}", "[]", R"({"wanted":{"a":"x"},"changes":{}})", R"({"wanted":{},"changes":{"a":1}})"})
    BOOST_TEST((memory_from_json(damaged) == ElasticMemory()), damaged);
}

BOOST_AUTO_TEST_SUITE_END()
