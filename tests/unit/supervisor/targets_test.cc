#include "supervisor/targets.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

std::string why(const std::string& path, bool folder = false) { return check_target({"path", path, folder}).what(); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(targets)

BOOST_AUTO_TEST_CASE(what_can_be_written_is_fine_and_stays_as_it_is) {
  const TempDir folder;
  std::ofstream(folder / "there") << "text";
  BOOST_TEST(why(folder / "there") == "");
  BOOST_TEST(why(folder / "new") == "");
  BOOST_TEST(why(folder / "new/parts", true) == "");
  BOOST_TEST(why(folder.path(), true) == "");
  BOOST_TEST(!std::filesystem::exists(folder / "new"));
}

BOOST_AUTO_TEST_CASE(a_file_needs_its_folder) {
  const TempDir folder;
  BOOST_TEST(why(folder / "none/x") == "unable to create '" + folder / "none/x" +
                                           "': No such file or directory; make the folder '" + folder / "none" +
                                           "' first");
  std::ofstream(folder / "file") << "text";
  BOOST_TEST(why(folder / "file/x") == "unable to create '" + folder / "file/x" + "': Not a directory");
  BOOST_TEST(why(folder / "file/x/y", true) == "unable to create '" + folder / "file/x/y" + "': Not a directory");
  BOOST_TEST(why(folder.path()) == "unable to write '" + folder.path() + "': Is a directory");
  BOOST_TEST(has(why("x"), "not absolute"));
}

BOOST_AUTO_TEST_CASE(permissions_count) {
  if (::geteuid() == 0) return;  // who may write everything is refused nothing
  const TempDir folder;
  std::filesystem::create_directory(folder / "closed");
  std::ofstream(folder / "file") << "text";
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::owner_read);
  std::filesystem::permissions(folder / "file", std::filesystem::perms::owner_read);
  BOOST_TEST(has(why(folder / "closed/x"), "Permission denied"));
  BOOST_TEST(has(why(folder / "closed/x", true), "Permission denied"));
  BOOST_TEST(has(why(folder / "file"), "Permission denied"));
}

BOOST_AUTO_TEST_CASE(problems_stand_at_the_place_of_the_option) {
  JobPlan plan;
  plan.pipeline.stages = {{.name = "table", .run = "write-sqlite", .at = {"m.yaml", 3, 1}}};
  plan.stages.resize(1);
  plan.stages[0].answer.writes = {{"path", "/nowhere/at/all.db", false}};
  Problems bare;
  check_targets(plan, bare);
  BOOST_TEST(has(bare.text(), "m.yaml:3:1: stage 'table', option 'path': unable to create '/nowhere/at/all.db'"));
  plan.pipeline.stages[0].option_places["path"] = {{"m.yaml", 3, 20}, 21};
  Problems placed;
  check_targets(plan, placed);
  BOOST_TEST(placed.text().starts_with("m.yaml:3:20: option 'path': unable to create '/nowhere/at/all.db'"));
}

BOOST_AUTO_TEST_SUITE_END()
