#include "supervisor/output_claims.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "supervisor/job_lock.h"
#include "tests/support/sleeping.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

// Jobs with folders and sockets of their own.
struct Jobs {
  JobPaths paths(const std::string& name) const {
    JobPaths job{name, home.path() + "/" + name};
    std::filesystem::create_directories(job.folder);
    BOOST_TEST_REQUIRE(make_job_folders(job).ok());
    return job;
  }
  std::string file(const std::string& name) const { return home.path() + "/" + name; }
  TempDir home;
};

JobPlan writing(const std::string& path, const std::string& part = "") {
  JobPlan plan;
  plan.pipeline.stages.emplace_back().name = "out";
  plan.stages.emplace_back().answer.writes.push_back({.option = "path", .path = path, .part = part});
  return plan;
}

std::string take(OutputClaims& claims, const JobPlan& plan) { return claims.take(plan).what(); }

OutputClaims claims_of(const JobPaths& job) {
  auto claims = OutputClaims::open(job);
  BOOST_TEST_REQUIRE(claims.ok(), claims.status().what());
  return *std::move(claims);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(output_claims)

BOOST_AUTO_TEST_CASE(one_job_at_a_time_writes_a_file) {
  const Jobs jobs;
  const JobPlan plan = writing(jobs.file("out"));
  std::optional<OutputClaims> first = claims_of(jobs.paths("first"));
  OutputClaims second = claims_of(jobs.paths("second"));
  BOOST_TEST(take(*first, plan) == "");
  BOOST_TEST(take(*first, plan) == "");  // has it
  const std::string refusal = take(second, plan);
  BOOST_TEST(refusal == "stage 'out' would write to '" + jobs.file("out") +
                            "', which job 'first' is writing; give another path, or stop that job");
  BOOST_TEST(take(second, writing(jobs.file("other"))) == "");
  first.reset();
  BOOST_TEST(take(second, plan) == "");
}

BOOST_AUTO_TEST_CASE(a_file_is_the_same_by_another_name) {
  const Jobs jobs;
  OutputClaims first = claims_of(jobs.paths("first"));
  OutputClaims second = claims_of(jobs.paths("second"));
  std::filesystem::create_directories(jobs.file("real"));
  std::filesystem::create_symlink(jobs.file("real"), jobs.file("link"));
  BOOST_TEST(take(first, writing(jobs.file("real/out"))) == "");
  BOOST_TEST(take(second, writing(jobs.file("link/./out"))) != "");
}

BOOST_AUTO_TEST_CASE(parts_of_a_file_and_devices_are_shared) {
  const Jobs jobs;
  OutputClaims first = claims_of(jobs.paths("first"));
  OutputClaims second = claims_of(jobs.paths("second"));
  for (const JobPlan& plan : {writing(jobs.file("out.db"), "table rows"), writing("/dev/null")}) {
    BOOST_TEST(take(first, plan) == "");
    BOOST_TEST(take(second, plan) == "");
  }
}

// The supervisor has died, one of its instances has not yet.
BOOST_AUTO_TEST_CASE(the_last_instance_of_the_job_before_is_waited_for) {
  const Jobs jobs;
  const JobPaths before = jobs.paths("before");
  std::optional<OutputClaims> claims = claims_of(before);
  BOOST_TEST(take(*claims, writing(jobs.file("out"))) == "");
  claims.reset();
  OutputClaims after = claims_of(jobs.paths("after"));
  std::optional<JobLock> instance;
  {
    auto lock = JobLock::visit(before);  // holds the folder as an instance does, and not the supervisor's place
    BOOST_TEST_REQUIRE(lock.ok());
    instance = *std::move(lock);
  }
  std::thread ends([&, waits = "self/task/" + std::to_string(::gettid())] {
    wait_until_asleep(waits);
    instance.reset();
  });
  const std::string refusal = take(after, writing(jobs.file("out")));
  BOOST_TEST(!instance.has_value());
  ends.join();
  BOOST_TEST(refusal == "");
}

BOOST_AUTO_TEST_SUITE_END()
