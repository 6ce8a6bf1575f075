#include "supervisor/log_sinks.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>

#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

LogLine line(std::string message) {
  LogLine out;
  out.at_us = 1'769'000'000'123'456;
  out.level = LogLevel::kError;
  out.stage = "errors";
  out.instance = 3;
  out.attempt = 2;
  out.checkpoint = 17;
  out.message = std::move(message);
  return out;
}

// A socket that takes datagrams, as journald and syslog have one.
class Listener {
 public:
  explicit Listener(std::string path) : path_(std::move(path)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    BOOST_REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Listener() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  // The next datagram, or the file that came in its place; "" if there is none.
  std::string next() {
    std::string bytes(64 * 1024, '\0');
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
    iovec place{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    const ssize_t n = ::recvmsg(fd_, &message, MSG_DONTWAIT);
    if (n < 0) return "";
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    if (head == nullptr) return bytes.substr(0, static_cast<std::size_t>(n));
    int file = -1;
    std::memcpy(&file, CMSG_DATA(head), sizeof file);
    std::string out(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
    BOOST_TEST(::pread(file, out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
    ::close(file);
    return out;
  }

 private:
  std::string path_;
  int fd_ = -1;
};

void put(LogSink& sink, const LogLine& one) { sink.put(one, "web", to_json(one, "web")); }

}  // namespace

BOOST_AUTO_TEST_SUITE(log_sinks)

BOOST_AUTO_TEST_CASE(the_journal_gets_fields) {
  BOOST_TEST(journal_fields(line("gone"), "web") ==
             "MESSAGE=gone\nPRIORITY=3\nSYSLOG_IDENTIFIER=stream\nSTREAM_JOB=web\nSTREAM_ATTEMPT=2\n"
             "STREAM_CHECKPOINT=17\nSTREAM_STAGE=errors\nSTREAM_INSTANCE=3\n");
  const std::string two = journal_fields(line("a\nb"), "web");
  BOOST_TEST(two.starts_with(std::string("MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=3\n", 31)));
}

BOOST_AUTO_TEST_CASE(syslog_gets_its_two_forms) {
  const std::string near = syslog_local(line("gone"), "text", LOG_LOCAL0);
  BOOST_TEST(near.starts_with("<131>"));
  BOOST_TEST(near.ends_with(" stream[" + std::to_string(::getpid()) + "]: text"));
  BOOST_TEST(syslog_5424(line("x"), "w\"]\\", "text", LOG_LOCAL0, "ada") ==
             "<131>1 2026-01-21T12:53:20.123Z ada stream " + std::to_string(::getpid()) +
                 " - [stream@32473 job=\"w\\\"\\]\\\\\" attempt=\"2\" checkpoint=\"17\" stage=\"errors\" "
                 "instance=\"3\"] text");
}

BOOST_AUTO_TEST_CASE(what_is_less_severe_stays_away) {
  TempDir dir;
  Listener listener(dir.path() + "/socket");
  const auto sink = make_log_sink({.kind = "journald", .level = "error", .address = dir.path() + "/socket"});
  BOOST_REQUIRE(sink.ok());
  LogLine warning = line("not so bad");
  warning.level = LogLevel::kWarning;
  put(**sink, warning);
  BOOST_TEST(listener.next() == "");
  put(**sink, line("bad"));
  BOOST_TEST(listener.next().starts_with("MESSAGE=bad\n"));
}

BOOST_AUTO_TEST_CASE(a_line_of_any_length_reaches_the_journal) {
  TempDir dir;
  Listener listener(dir.path() + "/socket");
  const auto sink = make_log_sink({.kind = "journald", .address = dir.path() + "/socket"});
  const std::string much(1'000'000, 'x');
  put(**sink, line(much));
  BOOST_TEST(listener.next() == journal_fields(line(much), "web"));
}

// Nobody is waited for: what is not taken is counted, and that is told when it is taken again.
BOOST_AUTO_TEST_CASE(who_takes_nothing_holds_nobody_up) {
  TempDir dir;
  const auto sink = make_log_sink({.kind = "syslog", .address = dir.path() + "/socket"});
  put(**sink, line("to nobody"));
  Listener listener(dir.path() + "/socket");
  for (int i = 0; i < 10'000; ++i) put(**sink, line("n" + std::to_string(i)));
  BOOST_TEST(listener.next().ends_with("web a2: 1 lines were left out, as nobody took them; see 'stream logs web'"));
  std::size_t got = 0;
  while (listener.next() != "") ++got;
  BOOST_TEST(got > 0U);
  BOOST_TEST(got < 10'000U);
  put(**sink, line("again"));
  BOOST_TEST(listener.next().ends_with(std::to_string(10'000 - got) +
                                       " lines were left out, as nobody took them; see 'stream logs web'"));
  BOOST_TEST(listener.next().ends_with("web errors.3 a2: again"));
}

BOOST_AUTO_TEST_CASE(a_listener_that_was_started_again_is_found) {
  TempDir dir;
  const auto sink = make_log_sink({.kind = "syslog", .format = "json", .address = dir.path() + "/socket"});
  for (int i = 0; i < 3; ++i) {
    Listener listener(dir.path() + "/socket");
    put(**sink, line("hello"));
    BOOST_TEST(listener.next().ends_with("]: " + to_json(line("hello"), "web")));
  }
}

BOOST_AUTO_TEST_CASE(a_far_syslog_that_cannot_be_found_is_an_error) {
  const auto sink = make_log_sink({.kind = "syslog", .address = "nowhere.invalid:514"});
  BOOST_TEST(!sink.ok());
  BOOST_TEST(sink.status().what().find("nowhere.invalid:514") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
