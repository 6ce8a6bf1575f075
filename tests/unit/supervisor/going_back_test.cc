#include "supervisor/going_back.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

JobPlan plan_of(const std::vector<std::string>& abilities) {
  JobPlan plan;
  for (const std::string& goes_back : abilities) {
    plan.pipeline.stages.emplace_back().name = "sink" + std::to_string(plan.stages.size());
    plan.stages.emplace_back().answer.goes_back = goes_back;
  }
  return plan;
}

GoingBack to(std::uint64_t epoch, std::uint64_t newest, Outputs outputs = Outputs::kUnsaid) {
  return {.to = "savepoint 's'", .epoch = Epoch(epoch), .job = "a", .newest = Epoch(newest), .outputs = outputs};
}

// What sinks do, or why it is refused.
std::string decided(const GoingBack& what, const JobPlan& plan = plan_of({"all"})) {
  const auto sinks = decide_going_back(what, plan);
  if (!sinks.ok()) return sinks.status().what();
  return *sinks == SinksDo::kBegin ? "begin" : *sinks == SinksDo::kGoOn ? "go on" : "rewind";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(going_back)

BOOST_AUTO_TEST_CASE(a_job_goes_on_from_where_it_stopped_unasked) {
  BOOST_TEST(decided(to(7, 7)) == "go on");
  BOOST_TEST(decided(to(7, 0)) == "go on");  // nothing has been written since
  BOOST_TEST(decided(to(7, 7, Outputs::kRewind)) == "go on");
}

BOOST_AUTO_TEST_CASE(what_is_written_does_not_come_again_unasked) {
  const std::string refusal = decided(to(7, 8), plan_of({"all", "", "inserted", "none"}));
  BOOST_TEST(says(refusal, "savepoint 's' is behind checkpoint 8"));
  BOOST_TEST(says(refusal, "('sink0' can, 'sink2' can, if nothing was replaced since, 'sink3' cannot)"));
  BOOST_TEST(says(refusal, "--outputs rewind"));
  BOOST_TEST(says(refusal, "--outputs beside"));
}

BOOST_AUTO_TEST_CASE(what_the_user_says_is_done) {
  BOOST_TEST(decided(to(7, 8, Outputs::kRewind)) == "rewind");
  BOOST_TEST(decided(to(7, 8, Outputs::kBeside)) == "begin");
  GoingBack what = to(7, 8);
  what.accept_duplicates = true;
  BOOST_TEST(decided(what) == "rewind");
}

BOOST_AUTO_TEST_CASE(nothing_is_asked_where_there_is_nothing_to_take_back) {
  BOOST_TEST(decided(to(7, 8), plan_of({"", ""})) == "rewind");
  BOOST_TEST(decided(to(7, 8), plan_of({})) == "rewind");
}

BOOST_AUTO_TEST_CASE(a_new_job_begins) {
  GoingBack what = to(7, 0);
  what.known = false;
  what.its_own = false;
  BOOST_TEST(decided(what) == "begin");
  what.outputs = Outputs::kRewind;
  BOOST_TEST(decided(what) == "begin");
}

BOOST_AUTO_TEST_CASE(what_a_job_has_not_come_from_tells_nothing_about_what_it_wrote) {
  GoingBack what = to(7, 8, Outputs::kRewind);
  what.its_own = false;
  BOOST_TEST(says(decided(what), "savepoint 's' is not of what 'a' has come from since"));
  BOOST_TEST(decided(what, plan_of({""})) == "begin");
  what.accept_duplicates = true;
  BOOST_TEST(decided(what) == "begin");
  what.accept_duplicates = false;
  what.outputs = Outputs::kBeside;
  BOOST_TEST(decided(what) == "begin");
  what.outputs = Outputs::kUnsaid;
  what.of_its_name = false;
  BOOST_TEST(decided(what) == "begin");
}

BOOST_AUTO_TEST_CASE(a_going_back_that_was_cut_short) {
  GoingBack what = to(7, 0);
  what.going_back = Epoch(7);
  BOOST_TEST(decided(what) == "rewind");  // once more
  what.going_back = Epoch(9);
  BOOST_TEST(says(decided(what), "is behind checkpoint 9"));
  what.outputs = Outputs::kRewind;
  BOOST_TEST(decided(what) == "rewind");  // further
  what.going_back = Epoch(5);
  BOOST_TEST(says(decided(what), "is ahead of checkpoint 5, to which sinks are just going back"));
}

BOOST_AUTO_TEST_SUITE_END()
