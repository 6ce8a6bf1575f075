#include "supervisor/http/flame_graphs.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <semaphore>

using namespace stream;
using namespace stream::http;

namespace {

// Takes as long as it is let.
struct Slow {
  std::counting_semaphore<100> may{0};
  std::atomic<int> taken = 0;
  Status fault;

  FlameGraphs::Take take() {
    return [this](const std::string&, const ProfileWish&) -> Result<Profile> {
      may.acquire();
      ++taken;
      if (!fault.ok()) return fault;
      return Profile();
    };
  }
};

std::int64_t end_of(FlameGraphs& graphs, const std::string& stage, profile::States states = profile::States::kBoth) {
  const auto graph = graphs.look("job", {.stage = stage, .states = states});
  BOOST_REQUIRE(graph.ok());
  return (*graph)["endTimestamp"].get<std::int64_t>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flame_graphs)

BOOST_AUTO_TEST_CASE(of_a_vertex_one_is_made_at_a_time) {
  Slow slow;
  FlameGraphs graphs(slow.take());
  BOOST_TEST(end_of(graphs, "a") == kFlameWaiting);
  BOOST_TEST(end_of(graphs, "a") == kFlameWaiting);
  BOOST_TEST(end_of(graphs, "a", profile::States::kOnCpu) == kFlameWaiting);
  slow.may.release(1);
  BOOST_TEST(graphs.wait_until_idle(10'000'000));
  BOOST_TEST(end_of(graphs, "a") > 0);
  BOOST_TEST(end_of(graphs, "a") > 0);
  BOOST_TEST(slow.taken == 1);
  BOOST_TEST(end_of(graphs, "a", profile::States::kOnCpu) == kFlameWaiting);
  slow.may.release(1);
  BOOST_TEST(graphs.wait_until_idle(10'000'000));
}

BOOST_AUTO_TEST_CASE(so_many_are_made_at_once) {
  Slow slow;
  FlameGraphs graphs(slow.take());
  for (std::size_t i = 0; i < kFlamesAtOnce; ++i) BOOST_TEST(end_of(graphs, std::to_string(i)) == kFlameWaiting);
  const auto more = graphs.look("job", {.stage = "more"});
  BOOST_TEST((more.status().code() == Code::kInterrupted));
  slow.may.release(kFlamesAtOnce);
  BOOST_TEST(graphs.wait_until_idle(10'000'000));
}

BOOST_AUTO_TEST_CASE(what_failed_is_told_once_and_tried_again) {
  Slow slow;
  slow.fault = failed("not permitted");
  FlameGraphs graphs(slow.take());
  slow.may.release(2);
  BOOST_TEST(end_of(graphs, "a") == kFlameWaiting);
  BOOST_TEST(graphs.wait_until_idle(10'000'000));
  BOOST_TEST(graphs.look("job", {.stage = "a", .states = profile::States::kBoth}).status().what() == "not permitted");
  BOOST_TEST(end_of(graphs, "a") == kFlameWaiting);
  BOOST_TEST(graphs.wait_until_idle(10'000'000));
}

BOOST_AUTO_TEST_SUITE_END()
