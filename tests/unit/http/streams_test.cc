#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>

#include "supervisor/http/byte_sender.h"
#include "supervisor/http/downloads.h"
#include "supervisor/http/log_tail.h"
#include "supervisor/http/pipes.h"
#include "supervisor/http/stream_wish.h"
#include "tests/support/temp_dir.h"

using namespace stream;
using namespace stream::http;

BOOST_AUTO_TEST_SUITE(streams)

BOOST_AUTO_TEST_CASE(an_event_is_its_name_and_a_line_of_data_for_each_line) {
  BOOST_TEST(*event_frame("stats", R"({"a":1})") == "event: stats\ndata: {\"a\":1}\n\n");
  BOOST_TEST(*event_frame("", "x") == "data: x\n\n");
  BOOST_TEST(*event_frame("e", "one\ntwo\r\nthree\rfour") ==
             "event: e\ndata: one\ndata: two\ndata: three\ndata: four\n\n");
  BOOST_TEST(*event_frame("e", "") == "event: e\ndata: \n\n");
  BOOST_TEST(*event_frame("e\nid: 7", "x") == "event: e\nevent: id: 7\ndata: x\n\n");  // no field of its own
  BOOST_TEST(*id_frame("12") == "id: 12\n\n");
  BOOST_TEST(*comment_frame("") == ": \n\n");
}

BOOST_AUTO_TEST_CASE(what_is_taken_goes_and_what_is_not_stays) {
  Outbox box;
  BOOST_TEST(box.push(comment_frame("one"), 0));
  BOOST_TEST(box.push(comment_frame("two"), 0));
  BOOST_TEST(box.front() == ": one\n\n");
  box.took(3, 1);
  BOOST_TEST(box.front() == "ne\n\n");
  BOOST_TEST(box.bytes() == 11U);
  box.took(4, 2);
  BOOST_TEST(box.front() == ": two\n\n");
  box.took(7, 3);
  BOOST_TEST(box.empty());
  BOOST_TEST(box.front().empty());
}

BOOST_AUTO_TEST_CASE(who_takes_nothing_is_too_slow) {
  const Frame frame = event_frame("", std::string(100, 'x'));
  Outbox box(3 * frame->size());
  for (int i = 0; i < 3; ++i) BOOST_TEST(box.push(frame, 5));
  BOOST_TEST(!box.push(frame, 5));
  box.took(1, 6);
  BOOST_TEST(!box.push(frame, 6));  // there is no room for a whole one
  box.took(frame->size(), 7);
  BOOST_TEST(box.push(frame, 7));
  BOOST_TEST(!box.stalled(7 + kOutboxPatience - 1));
  BOOST_TEST(box.stalled(7 + kOutboxPatience));
  Outbox idle;
  BOOST_TEST(!idle.stalled(INT64_MAX));  // it has nothing to take
  BOOST_TEST(idle.push(frame, 1'000'000'000));
  BOOST_TEST(!idle.stalled(1'000'000'000 + kOutboxPatience - 1));
  Outbox small(10);
  BOOST_TEST(small.push(frame, 0));  // else it would never go out
  BOOST_TEST(!small.push(comment_frame(""), 0));
}

namespace {

// One end of a pair of sockets; the other is for the test to read, or not to.
class SocketEnd final : public OpenEnd {
 public:
  explicit SocketEnd(int socket) : socket_(socket) {}
  ~SocketEnd() override { ::close(socket_); }
  ssize_t send(const char* from, std::size_t size) override {
    const ssize_t sent = ::send(socket_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
  }
  bool hear() override {
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_DONTWAIT) != 0;
  }
  int descriptor() const override { return socket_; }
  short awaited() const override { return POLLOUT; }

 private:
  int socket_;
};

struct Client {
  explicit Client(Pipes& pipes) {
    int both[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    socket = both[0];
    pipe = pipes.add(std::make_unique<SocketEnd>(both[1]));
  }
  ~Client() { ::close(socket); }
  bool is_gone() const {
    for (int i = 0; i < 10'000 && !pipe->gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return pipe->gone();
  }
  std::size_t take() const {
    static char bytes[1 << 16];
    const ssize_t got = ::recv(socket, bytes, sizeof bytes, 0);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  int socket;
  std::shared_ptr<Pipe> pipe;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_slow_client_is_dropped_and_a_quick_one_hears_all) {
  const auto opened = Pipes::open();
  BOOST_REQUIRE(opened.ok());
  Pipes& pipes = **opened;
  const Client slow(pipes);
  const Client quick(pipes);
  const Frame frame = event_frame("x", std::string(100'000, 'x'));
  std::size_t sent = 0;
  std::size_t taken = 0;
  for (int i = 0; i < 60; ++i) {  // 6 MB: more than the room there is for one
    slow.pipe->push(frame);
    quick.pipe->push(frame);
    for (sent += frame->size(); taken < sent;) taken += quick.take();
  }
  BOOST_TEST(slow.is_gone());
  BOOST_TEST(!quick.pipe->gone());
  BOOST_TEST(taken == sent);
  BOOST_TEST(pipes.size() == 1U);
  quick.pipe->push(frame);
  quick.pipe->finish();
  for (sent += frame->size(); taken < sent;) taken += quick.take();
  BOOST_TEST(quick.take() == 0U);  // it is closed
  BOOST_TEST(quick.is_gone());
}

BOOST_AUTO_TEST_CASE(a_sender_waits_for_who_takes_and_gives_up_who_does_not) {
  int both[2];
  int stop[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
  BOOST_REQUIRE(::pipe(stop) == 0);
  const std::string large(1 << 20, 'x');
  std::string came;
  std::thread reader([&] {
    char bytes[4096];
    for (ssize_t n = 0; (n = ::recv(both[0], bytes, sizeof bytes, 0)) > 0;)
      came.append(bytes, static_cast<std::size_t>(n));
  });
  {
    ByteSender sender(std::make_unique<SocketEnd>(both[1]), true, stop[0], 60'000'000);
    BOOST_TEST(sender.send("").ok());
    BOOST_TEST(sender.send("0123456789").ok());
    BOOST_TEST(sender.send(large).ok());
    BOOST_TEST(sender.finish().ok());
  }
  reader.join();
  BOOST_TEST(came == "a\r\n0123456789\r\n100000\r\n" + large + "\r\n0\r\n\r\n");
  ::close(both[0]);

  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
  ByteSender whole(std::make_unique<SocketEnd>(both[1]), false, stop[0], 1'000);
  BOOST_TEST((whole.send(large).code() == Code::kInterrupted));
  BOOST_TEST(::write(stop[1], "x", 1) == 1);  // the server ends
  ::close(both[0]);
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
  ByteSender ending(std::make_unique<SocketEnd>(both[1]), false, stop[0], 600'000'000);
  BOOST_TEST((ending.send(large).code() == Code::kInterrupted));
  ::close(both[0]);
  BOOST_TEST((ending.send("x").code() == Code::kInterrupted));
  ::close(stop[0]);
  ::close(stop[1]);
}

BOOST_AUTO_TEST_CASE(so_many_savepoints_are_sent_at_once_and_none_from_elsewhere) {
  const TempDir dir;
  const std::string path = dir / "inside/one.tar.zst";
  std::filesystem::create_directory(dir / "inside");
  const std::string bytes = "\x28\xB5\x2F\xFD and what else there is";
  std::ofstream(path) << bytes;
  std::ofstream(dir / "outside") << bytes;
  std::filesystem::create_symlink(dir / "outside", dir / "inside/link");
  Downloads downloads({.roots = {dir / "inside"}, .exec = false});
  std::deque<TakeOver> begun;
  for (std::size_t i = 0; i < kDownloadsAtOnce; ++i) {
    auto take_over = downloads.begin({path, "one.tar.zst", false});
    BOOST_REQUIRE(take_over.ok());
    begun.push_back(*std::move(take_over));
  }
  BOOST_TEST((downloads.begin({path, "one.tar.zst"}).status().code() == Code::kInterrupted));
  for (const std::string& place : {dir / "outside", dir / "inside/link", dir / "inside/../outside", std::string("one")})
    BOOST_TEST((downloads.begin({place, "x"}).status().code() == Code::kUsage), place);
  BOOST_TEST((downloads.begin({dir / "inside/none", "x"}).status().code() == Code::kNotFound));
  int both[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
  begun.front()(std::make_unique<SocketEnd>(both[1]));
  begun.pop_front();
  std::string came(1000, ' ');
  came.resize(static_cast<std::size_t>(::recv(both[0], came.data(), came.size(), MSG_WAITALL)));
  BOOST_TEST(came == bytes);
  ::close(both[0]);
  bool room = false;  // as soon as the thread has ended
  for (int i = 0; i < 10'000 && !room; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    room = downloads.begin({path, "one.tar.zst"}).ok();
  }
  BOOST_TEST(room);
}

BOOST_AUTO_TEST_CASE(who_goes_is_forgotten_and_room_is_bounded) {
  const auto opened = Pipes::open();
  BOOST_REQUIRE(opened.ok());
  Pipes& pipes = **opened;
  std::deque<Client> clients;
  for (std::size_t i = 0; i < kPipesMax; ++i) {
    BOOST_TEST(pipes.check_room().ok());
    clients.emplace_back(pipes);
  }
  BOOST_TEST((pipes.check_room().code() == Code::kInterrupted));
  const std::shared_ptr<Pipe> first = clients.front().pipe;
  clients.pop_front();  // closes its socket
  for (int i = 0; i < 10'000 && !first->gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  BOOST_TEST(first->gone());
  first->push(comment_frame("nobody takes this"));
  BOOST_TEST(pipes.check_room().ok());
}

BOOST_AUTO_TEST_CASE(a_wish_is_read_from_the_query) {
  const auto all = make_stream_wish({}, "");
  BOOST_REQUIRE(all.ok());
  BOOST_TEST(all->wants(Topic::kJobs));
  BOOST_TEST(all->wants(Topic::kCheckpoints));
  BOOST_TEST(!all->wants(Topic::kLogs));
  BOOST_TEST(all->jobs.empty());
  const auto some = make_stream_wish({{"jobs", "a,,b"}, {"topics", "logs,stats"}, {"level", "warning"}}, "17");
  BOOST_REQUIRE(some.ok());
  BOOST_TEST(some->jobs.size() == 2U);
  BOOST_TEST(some->wants(Topic::kStats));
  BOOST_TEST(some->wants(Topic::kLogs));
  BOOST_TEST(!some->wants(Topic::kEvents));
  BOOST_TEST(some->after == 17);
  BOOST_TEST(make_stream_wish({{"lastEventId", "18"}}, "")->after == 18);
  const auto why = [](std::map<std::string, std::string, std::less<>> query, const std::string& id = "") {
    const auto wish = make_stream_wish(query, id);
    return wish.ok() ? "" : wish.status().what();
  };
  BOOST_TEST(why({{"topics", "stat"}}).find("did you mean 'stats'") != std::string::npos);
  BOOST_TEST(why({{"level", "loud"}}).find("'loud'") != std::string::npos);
  BOOST_TEST(why({{"grep", "("}}).find("regular expression") != std::string::npos);
  BOOST_TEST(why({{"grep", std::string(2000, 'a')}}).find("1000 bytes") != std::string::npos);
  BOOST_TEST(why({{"grep", "(((a{100}){100}){100})"}}).find("regular expression") != std::string::npos);
  BOOST_TEST(why({}, "x").find("'x'") != std::string::npos);
  BOOST_TEST(why({}, "-1").find("'-1'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_filter_lets_lines_pass) {
  const auto filter = make_log_filter("a", "warning", "disk .*full");
  BOOST_REQUIRE(filter.ok());
  const LogLine line{.level = LogLevel::kError, .stage = "a", .message = "the disk is full"};
  BOOST_TEST(filter->passes(line));
  const auto but = [&](auto change) {
    LogLine other = line;
    change(other);
    return filter->passes(other);
  };
  BOOST_TEST(!but([](LogLine& other) { other.stage = "b"; }));
  BOOST_TEST(!but([](LogLine& other) { other.level = LogLevel::kInfo; }));
  BOOST_TEST(!but([](LogLine& other) { other.message = "full"; }));
}

namespace {

struct Folder : TempDir {
  std::string file(const std::string& name = "stream.log") const { return path() + "/" + name; }
  void append(const std::string& text) const { std::ofstream(file(), std::ios::app) << text; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_tail_tells_whole_lines_once_and_goes_on_in_the_next_file) {
  const Folder folder;
  folder.append("before\n");
  LogTail tail(folder.path());
  BOOST_TEST(tail.look().lines.empty());
  folder.append("one\ntw");
  BOOST_TEST(tail.look().lines == std::vector<std::string>{"one"}, boost::test_tools::per_element());
  folder.append("o\nthree\n");
  std::filesystem::rename(folder.file(), folder.file("stream.1.log"));
  BOOST_TEST(tail.look().lines.empty());  // between two files
  folder.append("four\n");
  const std::vector<std::string> rest = {"two", "three", "four"};
  BOOST_TEST(tail.look().lines == rest, boost::test_tools::per_element());
  BOOST_TEST(tail.look().lines.empty());
}

BOOST_AUTO_TEST_CASE(of_too_much_the_last_is_told) {
  const Folder folder;
  folder.append("");
  LogTail tail(folder.path());
  const std::string line(999, 'x');
  for (int i = 0; i < 2000; ++i) folder.append(line + "\n");
  folder.append("the last\n");
  const LogTail::Look look = tail.look();
  BOOST_TEST(look.lines.size() == 1049U);
  BOOST_TEST(look.lines.back() == "the last");
  std::size_t told = 0;
  for (const std::string& text : look.lines) told += text.size() + 1;
  BOOST_TEST(told + look.skipped == 2'000'009U);
}

BOOST_AUTO_TEST_CASE(a_log_that_comes_later_is_told_from_its_begin) {
  const Folder folder;
  LogTail tail(folder.path());
  BOOST_TEST(tail.look().lines.empty());
  folder.append("one\n");
  BOOST_TEST(tail.look().lines.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
