#include "stages/read-redis/progress.h"

#include <boost/test/unit_test.hpp>

#include "stages/redis/connection.h"

namespace stream {
namespace {

RedisStreamInfo info_of(std::int64_t length, std::int64_t added, EntryId first, EntryId last) {
  return {true, length, added, first, last};
}

BOOST_AUTO_TEST_SUITE(redis)

BOOST_AUTO_TEST_CASE(entry_ids_are_read_and_compared) {
  BOOST_TEST((parse_entry_id("12-3") == EntryId{12, 3}));
  BOOST_TEST(to_string(EntryId{12, 3}) == "12-3");
  BOOST_TEST((EntryId{9, 8} < EntryId{10, 0}));
  for (const std::string_view wrong : {"", "1", "1-", "-1", "1-2x", "a-1"}) BOOST_TEST(!parse_entry_id(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(addresses_are_read) {
  const auto whole = parse_redis_address("redis://host:7000/2");
  BOOST_REQUIRE(whole.ok());
  BOOST_TEST(whole->host == "host");
  BOOST_TEST(whole->port == 7000);
  BOOST_TEST(whole->database == 2);
  BOOST_TEST(parse_redis_address("redis://[::1]")->host == "::1");
  BOOST_TEST(parse_redis_address("redis://[::1]:1")->port == 1);
  BOOST_TEST(!whole->tls);
  BOOST_TEST(parse_redis_address("rediss://host:7000/2")->tls);
  for (const std::string_view wrong :
       {"host", "redis://", "redis://h:x", "redis://h:99999", "redis://h/x", "redis://me:pw@h"}) {
    BOOST_TEST(!parse_redis_address(wrong).ok(), wrong);
  }
}

BOOST_AUTO_TEST_CASE(what_was_removed_before_the_beginning_is_not_missed) {
  Progress progress;
  progress.begin(info_of(5, 10, {6, 0}, {10, 0}), {}, false);
  BOOST_TEST(progress.took(info_of(5, 10, {6, 0}, {10, 0}), 5, {10, 0}, true) == 0);
  BOOST_TEST(progress.read() == 10);
}

BOOST_AUTO_TEST_CASE(what_was_removed_later_is_counted_once) {
  Progress progress;
  progress.restore({10, 0}, 10, {});
  // 20 were added since, of which 15 are left; two of them come now.
  BOOST_TEST(progress.took(info_of(15, 30, {16, 0}, {30, 0}), 2, {17, 0}, false) == 5);
  BOOST_TEST(progress.took(info_of(15, 30, {16, 0}, {30, 0}), 13, {30, 0}, true) == 0);
  BOOST_TEST(progress.read() == 30);
}

BOOST_AUTO_TEST_CASE(holes_show_when_all_is_read) {
  Progress progress;
  progress.restore({10, 0}, 10, {});
  BOOST_TEST(progress.took(info_of(20, 20, {1, 0}, {20, 0}), 4, {14, 0}, false) == 0);
  BOOST_TEST(progress.took(info_of(17, 20, {1, 0}, {20, 0}), 3, {20, 0}, true) == 3);
}

BOOST_AUTO_TEST_CASE(from_a_time_on_counting_begins_when_all_is_read) {
  Progress progress;
  progress.begin(info_of(5, 10, {6, 0}, {10, 0}), {StartAt::Kind::kTime, 8'000}, false);
  BOOST_TEST((progress.last() == EntryId{7, UINT64_MAX}));
  BOOST_TEST(progress.took(info_of(5, 10, {6, 0}, {10, 0}), 3, {10, 0}, true) == 0);
  BOOST_TEST(progress.read() == 10);
}

BOOST_AUTO_TEST_CASE(another_stream_is_refused) {
  Progress progress;
  progress.restore({10, 0}, 10, {});
  BOOST_TEST(progress.check("s", info_of(0, 10, {}, {10, 0})).ok());
  BOOST_TEST(!progress.check("s", info_of(3, 3, {11, 0}, {13, 0})).ok());
  BOOST_TEST(!progress.check("s", info_of(12, 12, {1, 0}, {9, 0})).ok());
  BOOST_TEST(!progress.check("s", RedisStreamInfo{}).ok());
}

BOOST_AUTO_TEST_CASE(it_ends_with_what_was_there) {
  Progress progress;
  progress.begin(info_of(2, 2, {1, 0}, {2, 0}), {}, true);
  BOOST_TEST(!progress.ended(false));
  BOOST_TEST(progress.beyond_end({3, 0}));
  progress.took(info_of(3, 3, {1, 0}, {3, 0}), 2, {2, 0}, false);
  BOOST_TEST(progress.ended(false));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream
