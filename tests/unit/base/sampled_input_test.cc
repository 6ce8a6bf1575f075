#include "transport/base/sampled_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <future>

using namespace stream;

namespace {

struct Pipe {
  Pipe() { BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    close_writer();
  }
  void write(const std::string& text) {
    BOOST_REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void close_writer() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  int ends[2];
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sampled_input)

BOOST_AUTO_TEST_CASE(a_sample_is_enough_when_there_is_no_use_in_waiting) {
  constexpr std::size_t kMax = 1000;
  BOOST_TEST(!sample_enough({}, kMax));
  BOOST_TEST(sample_enough({.ended = true}, kMax));
  BOOST_TEST(sample_enough({.bytes = kMax}, kMax));
  BOOST_TEST(sample_enough({.bytes = 10, .lines = kSampleLinesMax}, kMax));
  // A slow writer: a whole line, and a while for company.
  BOOST_TEST(!sample_enough({.bytes = 10, .lines = 0, .since_line = kSamplePatience}, kMax));
  BOOST_TEST(!sample_enough({.bytes = 10, .lines = 1, .since_line = kSamplePatience - 1}, kMax));
  BOOST_TEST(sample_enough({.bytes = 10, .lines = 1, .since_line = kSamplePatience}, kMax));
  // One that was too little before: a line more.
  BOOST_TEST(!sample_enough({.bytes = 10, .lines = 1, .lines_had = 1, .since_line = kSamplePatience}, kMax));
  BOOST_TEST(sample_enough({.bytes = 10, .lines = 2, .lines_had = 1, .since_line = kSamplePatience}, kMax));
}

BOOST_AUTO_TEST_CASE(what_was_looked_at_is_kept_for_the_reader) {
  Pipe pipe;
  SampledInput input(pipe.ends[0], system_clock());
  pipe.write("one\ntw");
  BOOST_REQUIRE(input.gather(1000).ok());
  BOOST_TEST(input.bytes() == "one\ntw");
  BOOST_TEST(!input.ended());
  BOOST_TEST(!input.exhausted(1000));
  // Asked again, it waits for another line, however long that takes.
  auto more = std::async(std::launch::async, [&] { return input.gather(1000); });
  pipe.write("o\nthree");
  BOOST_REQUIRE(more.get().ok());
  BOOST_TEST(input.bytes() == "one\ntwo\nthree");
  pipe.close_writer();
  BOOST_REQUIRE(input.gather(1000).ok());
  BOOST_TEST(input.ended());
  BOOST_TEST(input.exhausted(1000));
  BOOST_TEST(input.take() == "one\ntwo\nthree");
}

BOOST_AUTO_TEST_CASE(no_more_is_read_than_may_be_looked_at_and_a_chunk) {
  Pipe pipe;
  pipe.write(std::string(60'000, 'x'));
  SampledInput input(pipe.ends[0], system_clock());
  BOOST_REQUIRE(input.gather(50'000).ok());
  BOOST_TEST(input.bytes().size() == 60'000u);
  BOOST_TEST(input.exhausted(50'000));
  BOOST_REQUIRE(input.gather(50'000).ok());
  BOOST_TEST(input.bytes().size() == 60'000u);
}

BOOST_AUTO_TEST_CASE(an_empty_input_ends_at_once) {
  Pipe pipe;
  pipe.close_writer();
  SampledInput input(pipe.ends[0], system_clock());
  BOOST_REQUIRE(input.gather(1000).ok());
  BOOST_TEST(input.ended());
  BOOST_TEST(input.bytes().empty());
  BOOST_TEST(!input.terminal());
}

BOOST_AUTO_TEST_SUITE_END()
