#include "supervisor/job_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/sleeping.h"

namespace stream {
namespace {

struct Fixture {
  Fixture() {
    char name[] = "/tmp/stream-lock-XXXXXX";
    paths = {"job", ::mkdtemp(name)};
  }
  ~Fixture() { std::filesystem::remove_all(paths.folder); }
  JobPaths paths;
};

// A process that does something, says so, and lives until it is told to go.
class Other {
 public:
  template <class Work>
  explicit Other(Work work) {
    int up[2];
    int down[2];
    BOOST_REQUIRE(::pipe(up) == 0 && ::pipe(down) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(up[0]);
      ::close(down[1]);
      const auto kept = work();
      char byte = kept.ok() ? 'y' : 'n';
      [[maybe_unused]] ssize_t n = ::write(up[1], &byte, 1);
      n = ::read(down[0], &byte, 1);
      ::_exit(0);
    }
    ::close(up[1]);
    ::close(down[0]);
    tell_ = down[1];
    char byte = 0;
    BOOST_REQUIRE_EQUAL(::read(up[0], &byte, 1), 1);
    ::close(up[0]);
    got_ = byte == 'y';
  }
  ~Other() { end(); }
  // SIGKILL, without waiting for what it does.
  void kill() const { ::kill(pid_, SIGKILL); }
  void end() {
    if (pid_ <= 0) return;
    ::close(tell_);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }
  bool got() const { return got_; }

 private:
  pid_t pid_ = 0;
  int tell_ = -1;
  bool got_ = false;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(job_lock, Fixture)

BOOST_AUTO_TEST_CASE(one_supervisor_and_no_visitor_beside_it) {
  Other supervisor([&] { return JobLock::take(paths); });
  BOOST_TEST(supervisor.got());
  BOOST_TEST(JobLock::supervisor(paths) == supervisor.pid());
  const std::string who = "supervised by process " + std::to_string(supervisor.pid());
  BOOST_TEST(JobLock::take(paths, 0).status().what().find(who) != std::string::npos);
  BOOST_TEST(JobLock::visit(paths, 0).status().what().find(who) != std::string::npos);
  supervisor.end();
  BOOST_TEST(!JobLock::runs(paths));
  BOOST_TEST(JobLock::take(paths, 0).ok());
}

BOOST_AUTO_TEST_CASE(asking_whether_it_runs_takes_nothing) {
  Other asking([&]() -> Result<bool> { return JobLock::runs(paths); });
  BOOST_TEST(JobLock::take(paths, 0).ok());
}

BOOST_AUTO_TEST_CASE(instances_keep_the_folder_after_their_supervisor) {
  std::optional<JobLock> lock(*JobLock::take(paths, 0));
  // A child inherits the folder and not the place.
  Other instance([&]() -> Result<bool> { return true; });
  lock.reset();
  BOOST_TEST(!JobLock::runs(paths));
  const auto early = JobLock::take(paths, 0);
  BOOST_TEST(early.status().what().find("are still alive although its supervisor is gone") != std::string::npos);
  BOOST_TEST(!JobLock::visit(paths, 0).ok());
  instance.end();
  BOOST_TEST(JobLock::take(paths, 0).ok());
}

BOOST_AUTO_TEST_CASE(a_new_supervisor_waits_for_the_instances_of_the_old_one) {
  std::optional<JobLock> lock(*JobLock::take(paths, 0));
  Other instance([&]() -> Result<bool> { return true; });
  lock.reset();
  Other ending([&, pid = instance.pid()]() -> Result<bool> { return ::kill(pid, SIGKILL) == 0; });
  BOOST_TEST(JobLock::take(paths).ok());
}

BOOST_AUTO_TEST_CASE(a_visitor_keeps_supervisors_waiting_not_refused) {
  Other visitor([&] { return JobLock::visit(paths); });
  BOOST_TEST(!JobLock::runs(paths));
  BOOST_TEST(JobLock::take(paths, 0).status().what().find("still alive") != std::string::npos);
  visitor.end();
  BOOST_TEST(JobLock::take(paths).ok());
}

// It has found the place empty, and waits for the folder when a supervisor begins.
BOOST_AUTO_TEST_CASE(a_visitor_does_not_wait_for_who_has_begun_meanwhile) {
  const std::optional<JobLock> instance(*JobLock::visit(paths, 0));
  const pid_t visitor = ::fork();
  if (visitor == 0) {
    const Status visited = JobLock::visit(paths, 10'000'000).status();
    ::_exit(visited.what().find("already running") == std::string::npos);
  }
  BOOST_TEST(wait_until_asleep(std::to_string(visitor)));
  const pid_t supervisor = ::fork();
  if (supervisor == 0) ::_exit(JobLock::take(paths, 10'000'000).ok());
  int status = -1;
  ::waitpid(visitor, &status, 0);
  ::kill(supervisor, SIGKILL);
  ::waitpid(supervisor, nullptr, 0);
  BOOST_TEST(status == 0);
}

// The system frees its memory before its locks.
BOOST_AUTO_TEST_CASE(a_killed_supervisor_is_waited_for) {
  constexpr std::size_t kSlowToFree = 256 << 20;
  for (const bool visiting : {false, true}) {
    Other supervisor([&] {
      static const std::vector<char> memory(kSlowToFree, 'x');
      return JobLock::take(paths);
    });
    BOOST_TEST(supervisor.got());
    supervisor.kill();
    const Status next = visiting ? JobLock::visit(paths).status() : JobLock::take(paths).status();
    BOOST_TEST(next.what() == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stream
