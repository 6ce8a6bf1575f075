#include "snapshot/read_ahead.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace stream;

namespace {

class Written final : public Destination {
 public:
  explicit Written(std::size_t most = SIZE_MAX) : most_(most) {}
  Status clear() override { return add("clear"); }
  Status drop_before(std::size_t column, std::int64_t before) override {
    return add("before " + std::to_string(column) + " " + std::to_string(before));
  }
  Status drop(const Batch& keys) override { return add("drop " + std::to_string(keys.rows)); }
  Status load(const Batch& rows) override { return add("load " + std::to_string(rows.rows)); }

  std::vector<std::string> changes;

 private:
  Status add(std::string change) {
    if (changes.size() == most_) return corrupt("no more");
    changes.push_back(std::move(change));
    return {};
  }
  std::size_t most_;
};

Status read_many(Destination& to) {
  STREAM_TRY(to.clear());
  for (std::size_t i = 0; i < 1000; ++i) STREAM_TRY(to.load(Batch{nullptr, i, {}, {}}));
  STREAM_TRY(to.drop(Batch{nullptr, 7, {}, {}}));
  return to.drop_before(2, -5);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(read_ahead)

BOOST_AUTO_TEST_CASE(changes_are_applied_as_if_they_were_read_in_between) {
  Written direct;
  BOOST_REQUIRE(read_many(direct).ok());
  Written ahead;
  BOOST_REQUIRE(ReadAhead::run(read_many, ahead).ok());
  BOOST_TEST(ahead.changes == direct.changes, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_read_before_a_fault_is_applied_and_the_fault_is_told) {
  Written ahead;
  const Status status = ReadAhead::run(
      [](Destination& to) {
        STREAM_TRY(to.clear());
        return corrupt("torn");
      },
      ahead);
  BOOST_TEST(status.what() == "torn");
  BOOST_TEST(ahead.changes.size() == 1);
}

BOOST_AUTO_TEST_CASE(a_change_that_cannot_be_applied_ends_the_reading) {
  Written ahead(3);
  bool refused = false;
  const Status status = ReadAhead::run(
      [&](Destination& to) {
        const Status read = read_many(to);
        refused = !read.ok();
        return read;
      },
      ahead);
  BOOST_TEST(status.what() == "no more");
  BOOST_TEST(refused);
  BOOST_TEST(ahead.changes.size() == 3);
}

BOOST_AUTO_TEST_SUITE_END()
