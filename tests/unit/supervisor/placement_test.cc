#include "supervisor/placement.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

using Kept = std::vector<std::vector<std::optional<std::size_t>>>;

std::vector<HostSpec> hosts(std::initializer_list<const char*> names) {
  std::vector<HostSpec> out;
  for (const char* name : names) out.push_back({.name = name, .address = name});
  return out;
}

PlacedStage stage(std::string name, std::uint32_t parallelism, std::vector<std::size_t> reads_from = {}) {
  return {.name = std::move(name), .parallelism = parallelism, .reads_from = std::move(reads_from)};
}

// "0 1 0; 0 1 0"
std::string placed(const PlacementQuestion& question) {
  const auto answer = place(question);
  if (!answer.ok()) return answer.status().what();
  std::string out;
  for (const auto& of : *answer) {
    out += out.empty() ? "" : ";";
    for (const std::size_t host : of) out += " " + std::to_string(host);
  }
  return out.substr(1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(placement)

BOOST_AUTO_TEST_CASE(spread_gives_the_instances_of_a_stage_to_all_hosts) {
  BOOST_TEST(placed({hosts({"a", "b", "c"}), {stage("s", 7)}}) == "0 1 2 0 1 2 0");
}

BOOST_AUTO_TEST_CASE(instances_of_one_number_stand_together) {
  const PlacementQuestion question{hosts({"a", "b"}), {stage("s", 3), stage("t", 3, {0}), stage("u", 2, {1})}};
  BOOST_TEST(placed(question) == "0 1 0; 0 1 0; 0 1");
}

BOOST_AUTO_TEST_CASE(what_reads_from_nothing_goes_where_least_is) {
  BOOST_TEST(placed({hosts({"a", "b", "c"}), {stage("s", 1), stage("t", 1), stage("u", 2), stage("v", 1)}}) ==
             "0; 1; 2 0; 1");
}

BOOST_AUTO_TEST_CASE(slots_are_shares_and_a_bound) {
  PlacementQuestion question{hosts({"a", "b"}), {stage("s", 6)}};
  question.hosts[0].slots = 4;
  question.hosts[1].slots = 2;
  const auto answer = place(question);
  BOOST_TEST_REQUIRE(answer.ok());
  BOOST_TEST(std::ranges::count((*answer)[0], 0U) == 4);
  question.stages[0].parallelism = 7;
  BOOST_TEST(placed(question) ==
             "s.6 cannot be placed: every host it may use is full (slots: 'a' 4, 'b' 2); give hosts more 'slots', add "
             "one, or lower 'parallelism'");
}

BOOST_AUTO_TEST_CASE(pack_fills_one_host_before_the_next) {
  PlacementQuestion question{hosts({"a", "b", "c"}), {stage("s", 3), stage("t", 2)}};
  for (HostSpec& host : question.hosts) host.slots = 2;
  for (PlacedStage& one : question.stages) one.placement.rule = PlaceRule::kPack;
  BOOST_TEST(placed(question) == "0 0 1; 1 2");
}

BOOST_AUTO_TEST_CASE(a_stage_keeps_to_the_hosts_and_labels_it_names) {
  PlacementQuestion question{hosts({"a", "b", "c"}), {stage("s", 2), stage("t", 3)}};
  question.hosts[2].labels = {"fast"};
  question.stages[0].placement.hosts = {"b"};
  question.stages[1].placement.hosts = {"a", "fast"};
  BOOST_TEST(placed(question) == "1 1; 0 2 0");
  question.stages[0].placement.hosts = {"fats"};
  BOOST_TEST(placed(question) ==
             "stage 's': no host has the name or label 'fats'; did you mean 'fast'?; there are a, b, c, fast");
}

BOOST_AUTO_TEST_CASE(near_is_beside_the_instance_of_that_number) {
  PlacementQuestion question{hosts({"a", "b", "c"}), {stage("cache", 4), stage("s", 3)}};
  question.stages[0].placement.near = "s";  // placed after it
  question.stages[1].placement.hosts = {"b", "c"};
  BOOST_TEST(placed(question) == "1 2 1 1; 1 2 1");
}

BOOST_AUTO_TEST_CASE(where_there_is_no_room_near_the_next_best_will_do) {
  PlacementQuestion question{hosts({"a", "b"}), {stage("s", 1), stage("t", 1)}};
  question.hosts[0].slots = 1;
  question.stages[1].placement.near = "s";
  BOOST_TEST(placed(question) == "0; 1");
}

BOOST_AUTO_TEST_CASE(near_must_name_a_stage_and_not_go_in_a_circle) {
  PlacementQuestion question{hosts({"a"}), {stage("s", 1), stage("t", 1)}};
  question.stages[0].placement.near = "x";
  BOOST_TEST(placed(question) == "stage 's': 'near' names 'x', which is no stage");
  question.stages[0].placement.near = "t";
  question.stages[1].placement.near = "s";
  BOOST_TEST(placed(question) == "stage 's' cannot be placed: 'near' leads back to it in a circle; take one away");
}

BOOST_AUTO_TEST_CASE(what_must_be_here_may_be_on_the_supervisors_node) {
  PlacementQuestion question{hosts({"n1", "n2"}), {stage("s", 1)}};
  for (HostSpec& host : question.hosts) host.slurm = true;
  question.hosts[1].here = true;
  question.stages[0].only_here = "it prints to the standard output of this host";
  BOOST_TEST(placed(question) == "1");
}

BOOST_AUTO_TEST_CASE(what_must_be_here_is) {
  PlacementQuestion question{hosts({"a", "here"}), {stage("s", 1)}};
  question.stages[0].only_here = "it prints to the standard output of this host";
  BOOST_TEST(placed(question) ==
             "stage 's' cannot be placed: it prints to the standard output of this host, and no host of the manifest "
             "is this one; give it a host with 'via: local'");
  question.hosts[1].local = true;
  BOOST_TEST(placed(question) == "1");
  question.stages[0].placement.hosts = {"a"};
  BOOST_TEST(placed(question).find("none of its 'hosts' is this one") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_lost_host_is_left_out) {
  PlacementQuestion question{hosts({"a", "b", "c"}), {stage("s", 3)}, {"b"}};
  BOOST_TEST(placed(question) == "0 2 0");
  question.stages[0].placement.hosts = {"b"};
  const auto none = place(question);
  BOOST_TEST((none.status().code() == Code::kFailed));  // it may come back
  BOOST_TEST(none.status().what() ==
             "stage 's' cannot be placed: every host it may use is lost ('b'); bring one back, or give it others with "
             "'hosts'");
}

BOOST_AUTO_TEST_CASE(where_the_lost_hosts_slots_are_missed_it_says_so) {
  PlacementQuestion question{hosts({"a", "b"}), {stage("s", 2)}, {"b"}};
  for (HostSpec& host : question.hosts) host.slots = 1;
  const auto full = place(question);
  BOOST_TEST((full.status().code() == Code::kFailed));
  BOOST_TEST(full.status().what().find("others are lost") != std::string::npos, full.status().what());
}

BOOST_AUTO_TEST_CASE(those_that_run_on_stay_and_count) {
  PlacementQuestion question{hosts({"a", "b"}), {stage("s", 2), stage("t", 2)}};
  question.kept = Kept{{1, 1}, {}};
  BOOST_TEST(placed(question) == "1 1; 0 1");
}

// Of every small question: each instance is on a host it may use, no host has more than its slots, and the answer is
// the same twice.
BOOST_AUTO_TEST_CASE(whatever_is_asked_the_answer_keeps_to_it) {
  for (std::uint32_t mask = 0; mask < 1U << 12; ++mask) {
    PlacementQuestion question{hosts({"a", "b", "c"}),
                               {stage("s", 1 + (mask & 3)), stage("t", 1 + (mask >> 2 & 3), {0})}};
    for (std::size_t i = 0; i < 3; ++i) question.hosts[i].slots = (mask >> (4 + i) & 1) != 0 ? 2 : 0;
    if ((mask >> 7 & 1) != 0) question.stages[0].placement.hosts = {"a", "c"};
    if ((mask >> 8 & 1) != 0) question.stages[1].placement.rule = PlaceRule::kPack;
    if ((mask >> 9 & 1) != 0) question.stages[1].placement.near = "s";
    if ((mask >> 10 & 1) != 0) question.lost = {"b"};
    if ((mask >> 11 & 1) != 0) question.stages[0].placement.rule = PlaceRule::kPack;
    const auto answer = place(question);
    BOOST_TEST_REQUIRE((answer.ok() || answer.status().what().find(" full ") != std::string::npos));
    if (!answer.ok()) continue;
    std::vector<std::size_t> load(3, 0);
    for (std::size_t s = 0; s < 2; ++s) {
      BOOST_TEST_REQUIRE((*answer)[s].size() == question.stages[s].parallelism);
      for (const std::size_t host : (*answer)[s]) {
        ++load[host];
        BOOST_TEST_REQUIRE(!question.lost.contains(question.hosts[host].name));
        if (s == 0 && !question.stages[0].placement.hosts.empty()) BOOST_TEST_REQUIRE(host != 1U);
      }
    }
    for (std::size_t i = 0; i < 3; ++i)
      BOOST_TEST_REQUIRE((question.hosts[i].slots == 0 || load[i] <= question.hosts[i].slots));
    BOOST_TEST_REQUIRE((*place(question) == *answer));
  }
}

BOOST_AUTO_TEST_SUITE_END()
