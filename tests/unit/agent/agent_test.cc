#include "supervisor/agent/line_link.h"
#include "supervisor/agent/messages.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

struct Ends {
  Ends() {
    int both[2];
    BOOST_TEST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    here = both[0];
    there = both[1];
  }
  ~Ends() {
    ::close(here);
    if (there >= 0) ::close(there);
  }
  int here;
  int there;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(lines_arrive_whole_however_they_are_cut) {
  Ends ends;
  LineLink link(ends.here, ends.here);
  std::vector<std::string> lines;
  for (const char* piece : {"on", "e\ntwo\nth", "ree\n"}) {
    BOOST_TEST(::write(ends.there, piece, std::string_view(piece).size()) > 0);
    BOOST_TEST(link.read(lines).ok());
  }
  BOOST_TEST(lines == (std::vector<std::string>{"one", "two", "three"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_came_before_the_end_is_read_and_the_end_is_told) {
  Ends ends;
  LineLink link(ends.here, ends.here);
  BOOST_TEST(::write(ends.there, "last\nhalf", 9) == 9);
  ::close(std::exchange(ends.there, -1));
  std::vector<std::string> lines;
  BOOST_TEST((link.read(lines).code() == Code::kPeerGone));
  BOOST_TEST_REQUIRE(lines.size() == 1U);
  BOOST_TEST(lines[0] == "last");
}

BOOST_AUTO_TEST_CASE(what_the_other_end_does_not_read_waits_and_goes_on_later) {
  Ends ends;
  LineLink link(ends.here, ends.here);
  LineLink other(ends.there, ends.there);
  const std::string line(100'000, 'x');
  for (int i = 0; i < 30; ++i) link.send(line);
  BOOST_TEST(link.flush().ok());
  BOOST_TEST(link.waiting() > 0U);
  std::vector<std::string> lines;
  while (lines.size() < 30) {
    BOOST_TEST_REQUIRE(other.read(lines).ok());
    BOOST_TEST_REQUIRE(link.flush().ok());
  }
  BOOST_TEST(link.waiting() == 0U);
  BOOST_TEST(lines.back() == line);
}

BOOST_AUTO_TEST_CASE(a_line_without_end_is_refused) {
  Ends ends;
  LineLink link(ends.here, ends.here);
  const std::string piece(64 * 1024, 'x');
  std::vector<std::string> lines;
  Status status;
  for (int i = 0; i < 400 && status.ok(); ++i) {
    BOOST_TEST_REQUIRE(::write(ends.there, piece.data(), piece.size()) > 0);
    status = link.read(lines);
  }
  BOOST_TEST((status.code() == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(messages_survive_the_way) {
  AgentMessage start{.type = "start", .id = 7};
  start.program = "/usr/bin/stream-filter";
  start.secret = "k\"1";
  const auto read = agent_message_from_json(to_json(start));
  BOOST_TEST_REQUIRE(read.ok());
  BOOST_TEST(read->id == 7U);
  BOOST_TEST(read->program == start.program);
  BOOST_TEST(read->secret == start.secret);
  AgentMessage ended{.type = "ended", .id = 7, .exit = {.signalled = true, .code = 9, .resident_kib = 5}};
  const auto end = agent_message_from_json(to_json(ended));
  BOOST_TEST_REQUIRE(end.ok());
  BOOST_TEST(end->exit.signalled);
  BOOST_TEST(end->exit.code == 9);
}

BOOST_AUTO_TEST_CASE(another_version_is_refused_with_what_to_do) {
  const auto other = agent_message_from_json(R"({"type": "hello", "protocol": 1, "version": "0.0.9"})");
  BOOST_TEST(other.status().what().find("version '0.0.9' is installed there") == 0U, other.status().what());
  BOOST_TEST(!agent_message_from_json("Welcome to host b!").ok());
  BOOST_TEST(!agent_message_from_json("{}").ok());
  BOOST_TEST(!agent_message_from_json(R"({"type": "start", "id": "x"})").ok());
}

BOOST_AUTO_TEST_SUITE_END()
