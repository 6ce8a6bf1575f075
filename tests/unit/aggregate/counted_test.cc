// Windows of so many rows against a model that counts them one by one.
#include "tests/unit/aggregate/replay.h"

using namespace stream;
using namespace stream::test;

namespace {

Options counted(std::size_t rows, std::vector<std::string> by, const std::string& compute = kEverything) {
  Options options{.compute = compute, .by = std::move(by)};
  options.window = "count " + std::to_string(rows);
  return options;
}

struct Model {
  std::size_t rows;
  bool by;
  std::map<std::string, Group> open = {};
  std::multiset<std::string> emitted = {};

  void add(const Record& r) {
    const std::string key = by ? shown(r.k) + "|" : "";
    Group& group = open[key];
    group.push_back(r);
    if (group.size() < rows) return;
    emitted.insert(key + everything_of(group));
    group.clear();
  }
};

// Rows may be equal: a set will not do.
class Log final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t) override {
    for (std::size_t i = 0; i < batch.rows; ++i) rows.push_back(row_of(batch, i));
    return {};
  }
  Status bad_record(BadRecord record) override {
    bad.push_back(record.reason);
    return {};
  }
  void late_records(std::uint64_t, std::size_t) override {}
  bool full() const override { return true; }

  std::vector<std::string> rows;
  std::vector<std::string> bad;
};

std::vector<std::string> sums(std::size_t rows, const std::string& compute, const std::vector<std::int64_t>& values,
                              Log& log) {
  Running running(counted(rows, {}, compute), record_schema());
  std::vector<Record> records(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) records[i].v = values[i];
  require_ok(running.op().on_batch(0, batch_of(running.input(), records), log));
  return log.rows;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(counted_windows)

BOOST_AUTO_TEST_CASE(every_so_many_rows_of_a_group_give_one_result) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    for (const std::size_t rows : {1, 2, 7, 40, 1000}) {
      for (const bool by : {true, false}) {
        Running running(counted(rows, by ? std::vector<std::string>{"k"} : std::vector<std::string>{}),
                        record_schema());
        Model model{rows, by};
        Log log;
        for (const Step& step : steps_of(seed, 30)) {
          for (const Record& r : step.records) model.add(r);
          if (step.records.empty()) continue;
          require_ok(running.op().on_batch(0, batch_of(running.input(), step.records), log));
          BOOST_REQUIRE((std::multiset<std::string>(log.rows.begin(), log.rows.end()) == model.emitted));
        }
        require_ok(running.op().on_watermark(kEndOfTime, log));
        require_ok(running.op().on_end(log));
        BOOST_TEST(log.rows.size() == model.emitted.size());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(windows_of_a_group_come_in_the_order_of_its_rows) {
  Log log;
  BOOST_TEST(sums(2, "sum(v)", {1, 2, 3, 4, 5, 6, 7}, log) == std::vector<std::string>({"3", "7", "11"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(bad_rows_do_not_count) {
  Log log;
  BOOST_TEST(sums(2, "sum(12 / v)", {1, 0, 2, 3, 0, 0, 4, 6, 12}, log) == std::vector<std::string>({"18", "7", "3"}),
             boost::test_tools::per_element());
  BOOST_TEST(log.bad.size() == 3);
  Log large;
  BOOST_TEST(sums(2, "sum(v)", {INT64_MAX, 1, -1, 5, 6}, large) ==
                 std::vector<std::string>({std::to_string(INT64_MAX - 1), "11"}),
             boost::test_tools::per_element());
  BOOST_TEST(large.bad.size() == 1);
}

BOOST_AUTO_TEST_CASE(a_run_restored_anywhere_with_any_parallelism_gives_what_an_undisturbed_one_gives) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    run_replay(seed,
               counted(5, {"k"}, "count(*) as n, min(ts) as a, count(distinct s) as b, sum(v * 1000000 + 7) as c"),
               false);
}

BOOST_AUTO_TEST_SUITE_END()
