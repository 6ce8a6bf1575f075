// Tables whose rows are only added: captures refer to their rows while work goes on.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"
#include "tests/support/state_model.h"
#include "transport/record/key.h"

using namespace stream;

namespace {

TableSpec log_spec() {
  TableSpec spec;
  spec.name = "log";
  spec.key = {{"user", kVarchar}, {"arrival", kBigint}};
  spec.value = {{"at", kTimestamp}, {"said", kVarchar}, {"amount", kBigint}};
  spec.group_columns = spec.prefix = 1;
  spec.ordered = "at";
  spec.append_only = true;
  return spec;
}

constexpr std::size_t kKey[] = {0, 1};
constexpr std::size_t kUser[] = {0};

// Does the same to a table and to what it should hold.
class Log {
 public:
  explicit Log(StateTable& table) : table_(&table) {}

  void add(std::size_t count, std::int64_t time, RandomCells& random) {
    ColumnBuilder users(kVarchar), arrivals(kBigint), times(kTimestamp), texts(kVarchar), amounts(kBigint);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string user = "user " + std::to_string(random.below(20)) + std::string(random.below(2) * 20, '.');
      const std::string said(random.below(60), static_cast<char>('a' + arrival_ % 26));
      const auto at = time + static_cast<std::int64_t>(random.below(50));
      const bool timeless = random.below(10) == 0;
      users.append_bytes(user);
      arrivals.append(arrival_);
      timeless ? times.append_null() : times.append(at);
      texts.append_bytes(said);
      random.below(5) == 0 ? amounts.append_null() : amounts.append(arrival_ * 3);
      rows_[arrival_++] = {user, said, timeless ? INT64_MAX : at};
    }
    const Batch batch{
        nullptr, count, {users.finish(), arrivals.finish(), times.finish(), texts.finish(), amounts.finish()}, {}};
    std::vector<std::uint64_t> hashes(count);
    std::vector<Row> rows(count);
    hash_keys(batch, kUser, hashes);
    table_->append(batch, kKey, hashes, rows);
    added_.clear();
    for (const Row row : rows) added_.insert(row.at);
    for (std::size_t column = 2; column < 5; ++column) table_->fill(rows, column, batch.columns[column]);
  }

  void erase_before(std::int64_t time) {
    const std::size_t gone = std::erase_if(rows_, [&](const auto& row) { return row.second.at < time; });
    BOOST_REQUIRE_EQUAL(table_->erase_before(time), gone);
  }

  // One by one, whatever captures say of them.
  void erase_some(std::size_t count, RandomCells& random) {
    for (; count > 0 && !rows_.empty(); --count) {
      const auto at = std::next(rows_.begin(), static_cast<std::ptrdiff_t>(random.below(rows_.size())));
      table_->erase(table_->find({std::string_view(at->second.user), at->first}));
      rows_.erase(at);
    }
  }

  void clear() {
    table_->clear();
    rows_.clear();
  }

  // By every path: all rows, by prefix, by whole key.
  void check() const {
    BOOST_REQUIRE_EQUAL(table_->rows(), rows_.size());
    std::map<std::string, std::size_t> of_user;
    for (const auto& [arrival, row] : rows_) {
      ++of_user[row.user];
      const Row found = table_->find({std::string_view(row.user), arrival});
      BOOST_REQUIRE(found);
      BOOST_REQUIRE_EQUAL(table_->bytes(found, 3), row.said);
      BOOST_REQUIRE_EQUAL(table_->is_null(found, 2), row.at == INT64_MAX);
      if (row.at != INT64_MAX) BOOST_REQUIRE_EQUAL(table_->get<std::int64_t>(found, 2), row.at);
      if (!table_->is_null(found, 4)) BOOST_REQUIRE_EQUAL(table_->get<std::int64_t>(found, 4), arrival * 3);
    }
    for (const auto& [user, count] : of_user) {
      std::size_t rows = 0;
      for (Row row = table_->find_prefix({std::string_view(user)}); row; row = table_->next_of_prefix(row)) ++rows;
      BOOST_REQUIRE_EQUAL(rows, count);
    }
    BOOST_REQUIRE(!table_->find({std::string_view("user 1"), arrival_}));
  }

  void move_to(StateTable& table) { table_ = &table; }
  const std::set<const std::uint8_t*>& added() const { return added_; }  // where the rows of the last add() lie

 private:
  struct Kept {
    std::string user;
    std::string said;
    std::int64_t at;
  };
  StateTable* table_;
  std::map<std::int64_t, Kept> rows_;
  std::set<const std::uint8_t*> added_;
  std::int64_t arrival_ = 0;
};

// Work goes on while a capture is written by another thread; some checkpoints are aborted, some runs crash.
void run_history(std::uint64_t seed) {
  BOOST_TEST_MESSAGE("seed " << seed);
  const TempDir dir;
  FastFiles files;
  RandomCells random(seed);
  const WriterOptions options = Instance::options(dir.path(), 0, 1, 1);
  auto store = std::make_unique<StateStore>();
  auto writer = std::make_unique<SnapshotWriter>(files, options);
  Log log(store->table(log_spec()));
  Log complete = log;
  InstanceFiles complete_files;
  Epoch epoch(0);
  Epoch last(0);
  std::int64_t time = 0;
  const auto work = [&] {
    for (std::uint64_t i = random.below(6); i > 0; --i) {
      time += static_cast<std::int64_t>(random.below(40));
      log.add(random.below(300), time, random);
      if (random.below(2) == 0) log.erase_before(time - 60);
      if (random.below(2) == 0) log.erase_some(random.below(40), random);
    }
    if (random.below(12) == 0) log.clear();
  };
  for (int round = 0; round < 40; ++round) {
    work();
    epoch = epoch.next();
    const Log at_capture = log;
    auto written = std::async(std::launch::async, [&, capture = store->capture(epoch)]() mutable {
      return writer->write(std::move(capture));
    });
    work();
    const InstanceFiles done = take(written.get());
    if (random.below(3) != 0) {
      store->completed(last = epoch);
      complete = at_capture;
      complete_files = done;
    }
    log.check();
    merge_if_wanted(*writer);
    if (random.below(5) != 0 || last == Epoch(0)) continue;
    const RestoreSource source{dir / "checkpoints", last, 1, {complete_files}, random.below(2) == 0};
    store = std::make_unique<StateStore>();
    StateTable& table = store->table(log_spec());
    require_ok(store->restore(source));
    writer = std::make_unique<SnapshotWriter>(files, options);
    writer->restored(source);
    log = complete;
    log.move_to(table);
    log.check();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(append_only)

BOOST_AUTO_TEST_CASE(what_is_captured_by_reference_is_what_was_there_at_the_barrier) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) run_history(seed);
}

BOOST_AUTO_TEST_CASE(aborted_checkpoints_without_end_keep_every_row_once) {
  const TempDir dir;
  FastFiles files;
  Instance instance(files, dir.path(), 0, 1);
  RandomCells random(7);
  Log log(instance.store.table(log_spec()));
  InstanceFiles written;
  for (std::uint64_t e = 1; e <= 30; ++e) {
    log.add(100, static_cast<std::int64_t>(e) * 10, random);
    log.erase_before(static_cast<std::int64_t>(e) * 10 - 50);
    log.erase_some(10, random);
    written = take(instance.writer.write(instance.store.capture(Epoch(e))));
  }
  StateStore store;
  log.move_to(store.table(log_spec()));
  require_ok(store.restore({dir / "checkpoints", Epoch(30), 1, {written}, true}));
  log.check();
}

BOOST_AUTO_TEST_CASE(a_capture_outlives_its_table) {
  const TempDir dir;
  FastFiles files;
  auto store = std::make_unique<StateStore>();
  SnapshotWriter writer(files, Instance::options(dir.path(), 0, 1, 1));
  RandomCells random(3);
  Log log(store->table(log_spec()));
  log.add(5000, 0, random);
  Capture capture = store->capture(Epoch(1));
  store.reset();
  const InstanceFiles written = take(writer.write(std::move(capture)));
  StateStore restored;
  log.move_to(restored.table(log_spec()));
  require_ok(restored.restore({dir / "checkpoints", Epoch(1), 1, {written}, true}));
  log.check();
}

// A capture also names rows that left before it. Another thread may look at them at any moment, so their memory is
// not touched, also that which was free already when the capture was taken.
BOOST_AUTO_TEST_CASE(free_memory_waits_while_a_capture_is_held) {
  StateStore store;
  RandomCells random(5);
  Log log(store.table(log_spec()));
  log.add(100, 0, random);
  const std::set<const std::uint8_t*> before = log.added();
  log.erase_before(1000);
  auto first = std::make_unique<Capture>(store.capture(Epoch(1)));
  auto second = std::make_unique<Capture>(store.capture(Epoch(2)));
  const auto reused = [&] {
    log.add(200, 2000, random);
    return std::ranges::count_if(log.added(), [&](const std::uint8_t* at) { return before.contains(at); });
  };
  BOOST_TEST(reused() == 0);
  first.reset();
  BOOST_TEST(reused() == 0);
  second.reset();
  BOOST_TEST(reused() > 50);
  log.check();
}

// Keys alone are copied up to where the links begin, which the table changes while a capture is written.
BOOST_AUTO_TEST_CASE(what_is_captured_ends_before_the_links) {
  TableSpec spec = log_spec();
  spec.value.clear();
  spec.ordered.clear();
  for (std::size_t more = 0; more < 3; ++more) {
    spec.key.push_back({"more " + std::to_string(more), kBigint});
    const RowLayout layout(spec);
    BOOST_TEST(layout.key_bytes() == layout.value_bytes());
  }
}

BOOST_AUTO_TEST_CASE(its_spec_needs_a_prefix) {
  TableSpec spec = log_spec();
  spec.prefix = 0;
  BOOST_TEST(!check_spec(spec).ok());
}

BOOST_AUTO_TEST_SUITE_END()
