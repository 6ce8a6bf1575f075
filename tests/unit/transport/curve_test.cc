#include "transport/curve.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "transport/channel.h"

using namespace stream;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/stream-curve-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& bytes, mode_t mode = 0600) const {
    const std::string full = path + "/" + name;
    std::ofstream(full) << bytes;
    ::chmod(full.c_str(), mode);
    return full;
  }
  CurveKeys keys(char fill) const { return *read_key_file(file(std::string("key-") + fill, std::string(32, fill))); }
  std::string path;
};

const SchemaPtr kNumbers = std::make_shared<const Schema>(*parse_schema("n bigint"));

// A receiver and a sender in processes of their own, as far as ZeroMQ can tell.
struct Ends {
  Transport here;
  Transport there;
  std::optional<Receiver> receiver;
  std::optional<Sender> sender;

  Ends(const std::optional<CurveKeys>& of_receiver, const std::optional<CurveKeys>& of_sender) {
    if (of_receiver) here.encrypt_tcp(*of_receiver);
    if (of_sender) there.encrypt_tcp(*of_sender);
    receiver = *Receiver::bind(here, "tcp://127.0.0.1:*", {});
    sender = *Sender::connect(there, receiver->endpoint(), {}, 1 << 20);
    BOOST_TEST_REQUIRE(sender->open(*kNumbers, 0).ok());
  }
  // Waits until the receiver has a frame, or one side has turned the other away.
  bool frame_arrives() {
    for (int i = 0; i < 500; ++i) {
      const auto received = receiver->receive();
      BOOST_TEST_REQUIRE(received.ok(), received.status().what());
      if (*received) return true;
      // The sender drains its monitor when asked.
      if (sender->socket().connection_lost() || turned_away()) return false;
      Poller poller;
      poller.add(receiver->socket().handle());
      poller.add(receiver->socket().monitor());
      poller.add(sender->socket().monitor());
      BOOST_TEST_REQUIRE(poller.wait(10'000).ok());
    }
    return false;
  }
  bool turned_away() {
    (void)receiver->socket().connection_lost();
    return receiver->socket().key_refused() || sender->socket().key_refused();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(curve, Folder)

BOOST_AUTO_TEST_CASE(the_same_key_on_both_ends_lets_frames_through) {
  const CurveKeys same = keys('a');
  BOOST_TEST(Ends(same, same).frame_arrives());
}

BOOST_AUTO_TEST_CASE(another_key_is_turned_away) {
  Ends ends(keys('a'), keys('b'));
  BOOST_TEST(!ends.frame_arrives());
  BOOST_TEST(ends.turned_away());
}

BOOST_AUTO_TEST_CASE(who_knows_the_public_half_but_not_the_secret_is_turned_away) {
  const CurveKeys ours = keys('a');
  // It asks for the right server and proves, with its own pair, to be somebody else.
  CurveKeys stranger = keys('b');
  BOOST_TEST(!Ends(ours, CurveKeys{stranger.secret, ours.shared}).frame_arrives());
}

BOOST_AUTO_TEST_CASE(without_a_key_nobody_gets_in) {
  Ends ends(keys('a'), std::nullopt);
  BOOST_TEST(!ends.frame_arrives());
  BOOST_TEST(ends.turned_away());
}

BOOST_AUTO_TEST_CASE(a_receiver_without_a_key_gets_nothing_from_a_sender_with_one) {
  Ends ends(std::nullopt, keys('a'));
  BOOST_TEST(!ends.frame_arrives());
  BOOST_TEST(ends.turned_away());
}

BOOST_AUTO_TEST_CASE(a_key_file_is_private_and_holds_32_bytes) {
  const auto what = [](const std::string& file) { return read_key_file(file).status().what(); };
  BOOST_TEST(what(path + "/none").find("No such file or directory; make one with: ") != std::string::npos);
  BOOST_TEST(what(file("short", "12345")).find("does not hold exactly 32 random bytes") != std::string::npos);
  BOOST_TEST(what(file("long", std::string(33, 'x'))).find("exactly 32") != std::string::npos);
  BOOST_TEST(what(file("open", std::string(32, 'x'), 0644)).find("can be read by others") != std::string::npos);
  BOOST_TEST(read_key_file(file("good", std::string(32, 'x'))).ok());
}

BOOST_AUTO_TEST_SUITE_END()
