#include "transport/curve.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

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

namespace {

// Passes bytes on between a client and a port, and keeps what the client has sent.
class Recorder {
 public:
  explicit Recorder(const std::string& endpoint) : to_(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = loopback(0);
    BOOST_TEST_REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    BOOST_TEST_REQUIRE(::listen(listener_, 1) == 0);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { pass(); });
  }
  std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  // Ends both connections.
  std::string stop() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
    return sent_;
  }
  static int connect(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = loopback(port);
    BOOST_TEST_REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    return fd;
  }

 private:
  static sockaddr_in loopback(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
  }
  void pass() {
    const int client = ::accept(listener_, nullptr, nullptr);
    const int server = connect(to_);
    char bytes[4096];
    while (!stop_) {
      pollfd both[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      ::poll(both, 2, 10);
      for (int i = 0; i < 2; ++i) {
        if (both[i].revents == 0) continue;
        const ssize_t n = ::read(both[i].fd, bytes, sizeof bytes);
        if (n <= 0) continue;
        if (i == 0) sent_.append(bytes, static_cast<std::size_t>(n));
        [[maybe_unused]] const ssize_t passed = ::write(both[1 - i].fd, bytes, static_cast<std::size_t>(n));
      }
    }
    ::close(client);
    ::close(server);
  }

  int to_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stop_ = false;
  std::string sent_;
  std::thread thread_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_was_recorded_and_is_sent_again_gets_nowhere) {
  const CurveKeys same = keys('a');
  Transport here;
  Transport there;
  here.encrypt_tcp(same);
  there.encrypt_tcp(same);
  std::string recorded;
  Receiver receiver = *Receiver::bind(here, "tcp://127.0.0.1:*", {});
  {
    Recorder recorder(receiver.endpoint());
    Sender sender = *Sender::connect(there, recorder.endpoint(), {}, 1 << 20);
    BOOST_TEST_REQUIRE(sender.open(*kNumbers, 0).ok());
    bool arrived = false;
    for (int i = 0; i < 500 && !arrived; ++i) {
      const auto received = receiver.receive();
      arrived = received.ok() && *received;
      Poller poller;
      poller.add(receiver.socket().handle());
      BOOST_TEST_REQUIRE(poller.wait(10'000).ok());
    }
    BOOST_TEST_REQUIRE(arrived);
    recorded = recorder.stop();
  }
  BOOST_TEST_REQUIRE(recorded.size() > 300U);
  // To the next of its kind, which would take such a frame.
  Receiver next = *Receiver::bind(here, "tcp://127.0.0.1:*", {});
  const std::string& endpoint = next.endpoint();
  const int fd = Recorder::connect(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  BOOST_TEST_REQUIRE(::write(fd, recorded.data(), recorded.size()) == static_cast<ssize_t>(recorded.size()));
  for (int i = 0; i < 100 && !next.socket().key_refused(); ++i) {
    const auto received = next.receive();
    BOOST_TEST_REQUIRE((received.ok() && !*received));
    Poller poller;
    poller.add(next.socket().handle());
    poller.add(next.socket().monitor());
    BOOST_TEST_REQUIRE(poller.wait(10'000).ok());
    (void)next.socket().connection_lost();
  }
  BOOST_TEST(next.socket().key_refused());
  ::close(fd);
}

// A scanner of ports must not be able to end a job.
BOOST_AUTO_TEST_CASE(a_stranger_that_comes_and_goes_does_not_disturb_who_is_there) {
  const CurveKeys same = keys('a');
  Ends ends(same, same);
  BOOST_TEST_REQUIRE(ends.frame_arrives());
  Socket& socket = ends.receiver->socket();
  const std::string& endpoint = ends.receiver->endpoint();
  const auto wait_for = [&](const auto& what) {
    for (int i = 0; i < 500; ++i) {
      if (what()) return true;
      Poller poller;
      poller.add(socket.monitor());
      BOOST_TEST_REQUIRE(poller.wait(10'000).ok());
    }
    return false;
  };
  for (const std::string& noise : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(5000, 'x'), std::string()}) {
    const int fd = Recorder::connect(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
    if (!noise.empty()) BOOST_TEST_REQUIRE(::write(fd, noise.data(), noise.size()) > 0);
    ::close(fd);
    BOOST_TEST(wait_for([&] { return socket.take_refused() > 0; }));
  }
  const CurveKeys strangers = keys('b');
  Transport elsewhere;
  elsewhere.encrypt_tcp(strangers);
  {
    Sender other = *Sender::connect(elsewhere, endpoint, {}, 1 << 20);
    BOOST_TEST(wait_for([&] { return socket.take_refused() > 0; }));
  }
  BOOST_TEST(!socket.connection_lost());
  const auto nothing = ends.receiver->receive();
  BOOST_TEST_REQUIRE(nothing.ok(), nothing.status().what());
  ends.sender.reset();
  BOOST_TEST(wait_for([&] { return socket.connection_lost(); }));
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
