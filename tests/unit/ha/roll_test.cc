// The list of jobs that servers have in common: whoever adds to it at once with others is not forgotten.
#include "supervisor/ha/roll.h"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "supervisor/ha/file_coordination.h"
#include "tests/support/fast_files.h"
#include "tests/support/temp_dir.h"

using namespace stream;
using namespace stream::ha;

namespace {

using Names = std::vector<std::string>;

FastFiles files;

std::shared_ptr<Coordination> open(const TempDir& folder, const std::string& id) {
  return *FileCoordination::open(files, folder.path(), Roll::kName, id);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(roll)

BOOST_AUTO_TEST_CASE(jobs_are_on_it_once_and_in_order) {
  const TempDir folder;
  Roll one(open(folder, "one")), other(open(folder, "other"));
  BOOST_TEST(one.jobs()->empty());
  for (const char* job : {"b", "a", "b"}) BOOST_REQUIRE(one.add(job).ok());
  BOOST_TEST(*other.jobs() == Names({"a", "b"}), boost::test_tools::per_element());
  BOOST_REQUIRE(other.remove("a").ok());
  BOOST_REQUIRE(other.remove("a").ok());
  BOOST_TEST(*one.jobs() == Names({"b"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nobody_is_forgotten_who_adds_at_once_with_others) {
  const TempDir folder;
  const auto add = [&](const std::string& who) {
    Roll own(open(folder, who));
    for (int i = 0; i < 20; ++i) BOOST_REQUIRE(own.add(who + std::to_string(i)).ok());
  };
  std::thread other([&] { add("other"); });
  add("one");
  other.join();
  BOOST_TEST(Roll(open(folder, "reader")).jobs()->size() == 40U);
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_said) {
  const TempDir folder;
  const auto place = open(folder, "one");
  BOOST_REQUIRE(place->write(Register::kJob, 0, "{]").ok());
  BOOST_TEST((Roll(place).add("a").code() == Code::kCorrupt));
  BOOST_REQUIRE(place->write(Register::kJob, 1, R"({"format": 2, "jobs": []})").ok());
  BOOST_TEST(Roll(place).jobs().status().what().find("later version") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
