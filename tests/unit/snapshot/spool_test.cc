#include "snapshot/spool.h"

#include <boost/test/unit_test.hpp>

#include "snapshot/spool_writer.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"

using namespace stream;

namespace {

constexpr SpoolWriter::Sizes kSmall{4, 10};

// What the segments of an input hold, from its first to its last byte, as far as its length says.
std::string bytes_of(Files& files, const std::string& folder, std::uint64_t input) {
  const SpoolLength length = take(read_spool_length(files, folder, input));
  std::string bytes(length.bytes, '?');
  for (const SpooledFiles& spooled : take(list_spool(files, folder))) {
    for (const std::uint64_t begin : spooled.segments) {
      if (spooled.input != input || begin >= bytes.size()) continue;
      const std::string part = take(files.read_file(folder + "/" + spool_segment_name({input, begin})));
      bytes.replace(begin, std::min(part.size(), bytes.size() - begin), part, 0, bytes.size() - begin);
    }
  }
  return bytes;
}

std::vector<std::uint64_t> segments_of(Files& files, const std::string& folder) {
  const auto spool = take(list_spool(files, folder));
  return spool.empty() ? std::vector<std::uint64_t>() : spool.back().segments;
}

}  // namespace

BOOST_TEST_SPECIALIZED_COLLECTION_COMPARE(std::vector<std::uint64_t>)
BOOST_TEST_SPECIALIZED_COLLECTION_COMPARE(std::vector<std::string>)

BOOST_AUTO_TEST_SUITE(spool)

BOOST_AUTO_TEST_CASE(a_length_half_written_is_refused) {
  const SpoolLength before{1'234, SpoolState::kOpen};
  const SpoolLength after{99'999'000, SpoolState::kEnded};
  for (const SpoolLength& length : {before, after, SpoolLength{0, SpoolState::kCut}}) {
    const auto parsed = parse_spool_length(spool_length_text(length));
    BOOST_TEST_REQUIRE(parsed.ok(), parsed.status().what());
    BOOST_TEST((*parsed == length));
  }
  const std::string old_text = spool_length_text(before);
  const std::string new_text = spool_length_text(after);
  BOOST_TEST(old_text.size() == new_text.size());
  for (std::size_t i = 0; i <= new_text.size(); ++i) {
    const auto mixed = parse_spool_length(new_text.substr(0, i) + old_text.substr(i));
    BOOST_TEST((!mixed.ok() || *mixed == before || *mixed == after), "after " << i << " bytes");
    if (i < new_text.size()) BOOST_TEST(!parse_spool_length(new_text.substr(0, i)).ok());
  }
}

BOOST_AUTO_TEST_CASE(files_are_known_by_their_names) {
  const auto spool = spooled_files({"7-00000000000000000100", "7-length", "12-length", "7-00000000000000000000",
                                    "forgotten", "x-length", "7-", "-7", "9"});
  BOOST_TEST_REQUIRE(spool.size() == 2u);
  BOOST_TEST(spool[0].input == 7u);
  BOOST_TEST(spool[0].segments == (std::vector<std::uint64_t>{0, 100}));
  BOOST_TEST(spool[1].input == 12u);
  BOOST_TEST(spool[1].segments.empty());
}

BOOST_AUTO_TEST_CASE(what_lies_before_the_position_is_garbage_but_never_the_first_or_last_segment) {
  const std::vector<SpooledFiles> spool = {{1, {0}}, {2, {0, 10, 20, 30}}, {3, {0}}};
  const auto garbage = [&](SpoolPosition keep) { return spool_garbage(spool, keep); };
  BOOST_TEST(garbage({0, 0}).empty());
  BOOST_TEST(garbage({1, 5}).empty());
  const std::string first = spool_segment_name({1, 0});
  BOOST_TEST(garbage({2, 0}) == (std::vector<std::string>{first, "1-length"}));
  BOOST_TEST(garbage({2, 19}) == (std::vector<std::string>{first, "1-length"}));
  BOOST_TEST(garbage({2, 20}) == (std::vector<std::string>{first, "1-length", spool_segment_name({2, 10})}));
  BOOST_TEST(garbage({2, 1000}).size() == 4u);
  BOOST_TEST(garbage({3, 0}).size() == 7u);
}

BOOST_AUTO_TEST_CASE(bytes_are_readable_once_they_are_appended_in_segments) {
  FastFiles files;
  const TempDir dir;
  const std::string folder = dir / "spool";
  SpoolWriter writer(files, folder, kSmall);
  require_ok(writer.begin(5));
  BOOST_TEST((take(read_spool_length(files, folder, 5)) == SpoolLength{0, SpoolState::kOpen}));
  std::string all;
  for (const std::string part : {"ab", "cdef", "g", "hijklmnop", "q", "r"}) {
    require_ok(writer.append(part));
    all += part;
    BOOST_TEST(bytes_of(files, folder, 5) == all);
  }
  BOOST_TEST(segments_of(files, folder) == (std::vector<std::uint64_t>{0, 6, 16}));
  BOOST_TEST((writer.position() == SpoolPosition{5, 18}));
  require_ok(writer.end());
  BOOST_TEST((take(read_spool_length(files, folder, 5)) == SpoolLength{18, SpoolState::kEnded}));
  BOOST_TEST(take(spool_is_whole(files, folder)));
}

BOOST_AUTO_TEST_CASE(an_input_left_open_is_cut_and_the_next_has_a_higher_number) {
  FastFiles files;
  const TempDir dir;
  const std::string folder = dir / "spool";
  SpoolWriter first(files, folder, kSmall);
  require_ok(first.begin(100));
  require_ok(first.append("abcdefg"));
  require_ok(first.append("hij"));
  // Died after the bytes were there and before it could say so.
  require_ok(files.write_at(folder + "/" + spool_segment_name({100, 7}), 3, "kl"));
  require_ok(cut_spool(files, folder));
  BOOST_TEST((take(read_spool_length(files, folder, 100)) == SpoolLength{12, SpoolState::kCut}));
  BOOST_TEST(bytes_of(files, folder, 100) == "abcdefghijkl");
  SpoolWriter second(files, folder, kSmall);
  require_ok(second.begin(100));
  BOOST_TEST(second.position().input == 101u);
  require_ok(second.end());
  require_ok(cut_spool(files, folder));
  BOOST_TEST((take(read_spool_length(files, folder, 101)) == SpoolLength{0, SpoolState::kEnded}));
}

BOOST_AUTO_TEST_CASE(forgetting_deletes_and_says_that_it_has) {
  FastFiles files;
  const TempDir dir;
  const std::string folder = dir / "spool";
  SpoolWriter writer(files, folder, kSmall);
  require_ok(writer.begin(1));
  for (int i = 0; i < 10; ++i) require_ok(writer.append("0123456789"));
  require_ok(forget_spool(files, folder, {1, 5}));
  BOOST_TEST(take(spool_is_whole(files, folder)));
  require_ok(forget_spool(files, folder, {1, 75}));
  BOOST_TEST(segments_of(files, folder) == (std::vector<std::uint64_t>{0, 70, 80, 90}));
  BOOST_TEST(!take(spool_is_whole(files, folder)));
  require_ok(writer.append("x"));
  BOOST_TEST(segments_of(files, folder) == (std::vector<std::uint64_t>{0, 70, 80, 90, 100}));
  require_ok(clear_spool(files, folder));
  BOOST_TEST(!std::filesystem::exists(folder));
  require_ok(clear_spool(files, folder));
  BOOST_TEST(take(spool_is_whole(files, folder)));
}

BOOST_AUTO_TEST_SUITE_END()
