#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "supervisor/systemd/notify.h"
#include "supervisor/systemd/unit.h"

namespace stream::systemd {
namespace {

constexpr Microseconds kSecond = 1'000'000;

BOOST_AUTO_TEST_SUITE(systemd)

// What systemd is on the other side.
class Manager {
 public:
  Manager() {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path + 1, name_.data() + 1, name_.size() - 1);
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    BOOST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), size) == 0);
  }
  ~Manager() { ::close(socket_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  const std::string& address() const { return name_; }

  std::vector<std::string> heard() const {
    std::vector<std::string> texts;
    char text[512];
    for (ssize_t n = 0; (n = ::recv(socket_, text, sizeof text, 0)) >= 0;)
      texts.emplace_back(text, static_cast<std::size_t>(n));
    return texts;
  }

 private:
  std::string name_ = "@stream-test-" + std::to_string(::getpid());
  int socket_ = -1;
};

using Texts = std::vector<std::string>;

BOOST_AUTO_TEST_CASE(readiness_and_the_end_are_said_once) {
  const Manager manager;
  Notifier notifier(manager.address(), 0);
  notifier.ready();
  notifier.ready();
  BOOST_TEST(manager.heard() == Texts{"READY=1"}, boost::test_tools::per_element());
  notifier.stopping();
  notifier.stopping();
  BOOST_TEST(manager.heard() == Texts{"STOPPING=1"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(signs_of_life_come_four_times_as_often_as_they_must) {
  const Manager manager;
  Notifier notifier(manager.address(), 4 * kSecond);
  std::size_t alive = 0;
  for (Microseconds now = 0; now < 8 * kSecond; now += kSecond / 4) {
    notifier.turn(now, "", false);
    alive += manager.heard().size();
  }
  BOOST_TEST(alive == 8U);
}

BOOST_AUTO_TEST_CASE(a_status_is_one_line_and_said_when_it_changes) {
  const Manager manager;
  Notifier notifier(manager.address(), 0);
  notifier.turn(0, "a\nREADY=1", false);
  notifier.turn(2 * kSecond, "a\nREADY=1", false);
  BOOST_TEST(manager.heard() == Texts{"STATUS=a READY=1"}, boost::test_tools::per_element());
  notifier.turn(3 * kSecond, "b", false);
  notifier.turn(3 * kSecond + 1, "c", false);  // too soon
  BOOST_TEST(manager.heard() == Texts{"STATUS=b"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_takes_time_asks_for_more) {
  const Manager manager;
  Notifier notifier(manager.address(), 0);
  notifier.turn(0, "", true);
  notifier.turn(kSecond, "", true);
  BOOST_TEST(manager.heard() == Texts{"EXTEND_TIMEOUT_USEC=30000000"}, boost::test_tools::per_element());
  notifier.turn(10 * kSecond, "", true);
  BOOST_TEST(manager.heard().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_the_manager_has_given_is_for_this_process_alone) {
  const Manager manager;
  ::setenv("NOTIFY_SOCKET", manager.address().c_str(), 1);
  ::setenv("WATCHDOG_USEC", "4000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);  // of another
  Notifier notifier = Notifier::from_environment();
  BOOST_TEST(::getenv("NOTIFY_SOCKET") == nullptr);
  BOOST_TEST(::getenv("WATCHDOG_USEC") == nullptr);
  BOOST_TEST(notifier.listening());
  notifier.turn(0, "", false);
  BOOST_TEST(manager.heard().empty());
  BOOST_TEST(!Notifier::from_environment().listening());
}

Service counts() {
  Service service{.job = "web-errors", .program = "/opt/my stream/stream"};
  service.folder = "/data/100%";
  service.run = {"run", "/data/a.yaml", "-p", "where=x > '$1' and y like '%'"};
  return service;
}

bool has(const Unit& unit, const std::string& line) {
  return ("\n" + unit.text).find("\n" + line + "\n") != std::string::npos;
}

BOOST_AUTO_TEST_CASE(nothing_in_a_command_line_means_anything_else) {
  BOOST_TEST(command_word("--from") == "--from");
  BOOST_TEST(command_word("a b") == "\"a b\"");
  BOOST_TEST(command_word("$HOME/100%") == "$$HOME/100%%");
  BOOST_TEST(command_word("say \"it\\\"") == "\"say \\\"it\\\\\\\"\"");
  BOOST_TEST(command_word("").find("\"\"") == 0U);
}

BOOST_AUTO_TEST_CASE(a_job_is_a_service_in_a_slice_of_its_own) {
  const auto made = units(counts());
  BOOST_REQUIRE(made.size() == 2);
  BOOST_TEST(made[0].name == "stream-web-errors.service");
  BOOST_TEST(made[1].name == "stream-web\\x2derrors.slice");
  for (const char* line :
       {"Type=notify", "Restart=on-failure", "Slice=stream-web\\x2derrors.slice", "WorkingDirectory=/data/100%%",
        "ExecStart=\"/opt/my stream/stream\" run /data/a.yaml -p \"where=x > '$$1' and y like '%%'\"",
        "WantedBy=default.target"})
    BOOST_TEST(has(made[0], line), line << " in\n" << made[0].text);
}

BOOST_AUTO_TEST_CASE(a_unit_of_the_system_says_whose_it_is) {
  Service service = counts();
  service.user = "etl";
  service.environment = {{"STREAM_HOME", "/var/lib/a \"b\""}};
  const Unit unit = units(service)[0];
  BOOST_TEST(has(unit, "User=etl"));
  BOOST_TEST(has(unit, "WantedBy=multi-user.target"));
  BOOST_TEST(has(unit, "Environment=\"STREAM_HOME=/var/lib/a \\\"b\\\"\""));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::systemd
