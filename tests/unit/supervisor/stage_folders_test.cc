#include "supervisor/stage_folders.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "supervisor/child.h"

using namespace stream;

namespace {

// A folder that is removed with everything in it.
class Scratch {
 public:
  Scratch() {
    char path[] = "/tmp/stream-folders-XXXXXX";
    path_ = mkdtemp(path);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

  void script(const std::string& name, const std::string& text) const {
    const std::string file = path_ + "/" + name;
    std::ofstream(file) << "#!/bin/sh\n" << text;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }

 private:
  std::string path_;
};

std::string describing(const std::string& name) {
  return "echo asked >> $0.log\necho '{\"protocol\":1,\"name\":\"" + name + "\",\"kind\":\"sink\",\"options\":[]}'\n";
}

std::size_t times_asked(const Scratch& scratch, const std::string& name) {
  std::ifstream log(scratch.path() + "/" + name + ".log");
  std::size_t n = 0;
  for (std::string line; std::getline(log, line);) ++n;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stage_folders)

BOOST_AUTO_TEST_CASE(stages_are_found_in_their_folders_and_asked_once) {
  const Scratch folder;
  folder.script("stream-one", describing("one"));
  folder.script("stream-two", describing("two"));
  folder.script("other", "exit 1");
  for (int i = 0; i < 2; ++i) {
    FolderCatalogue catalogue({"/nonexistent", folder.path()}, folder.path() + "/cache", system_files());
    BOOST_TEST(catalogue.names() == (std::vector<std::string>{"one", "two"}), boost::test_tools::per_element());
    const auto one = catalogue.find("one");
    BOOST_TEST_REQUIRE(one.ok(), one.status().what());
    BOOST_TEST((*one)->executable == folder.path() + "/stream-one");
    BOOST_TEST((*catalogue.find("three") == nullptr));
    BOOST_TEST((*catalogue.find("../one") == nullptr));
  }
  BOOST_TEST(times_asked(folder, "stream-one") == 1u);
  BOOST_TEST(times_asked(folder, "stream-two") == 0u);
}

BOOST_AUTO_TEST_CASE(a_changed_executable_is_asked_again) {
  const Scratch folder;
  folder.script("stream-one", describing("one"));
  const std::string cache = folder.path() + "/cache";
  BOOST_TEST(FolderCatalogue({folder.path()}, cache, system_files()).find("one").ok());
  folder.script("stream-one", describing("one") + "# longer\n");
  BOOST_TEST(FolderCatalogue({folder.path()}, cache, system_files()).find("one").ok());
  BOOST_TEST(times_asked(folder, "stream-one") == 2u);
}

BOOST_AUTO_TEST_CASE(a_stage_that_does_not_describe_itself_is_an_error) {
  const Scratch folder;
  folder.script("stream-odd", "echo 'cannot find my head' >&2; exit 3");
  folder.script("stream-liar", describing("truth"));
  folder.script("stream-mute", "echo hello");
  FolderCatalogue catalogue({folder.path()}, "", system_files());
  BOOST_TEST(catalogue.find("odd").status().what() ==
             "'" + folder.path() + "/stream-odd --describe' exited with 3: cannot find my head");
  BOOST_TEST(catalogue.find("liar").status().what() == "'" + folder.path() + "/stream-liar' calls itself 'truth'");
  BOOST_TEST(!catalogue.find("mute").ok());
}

BOOST_AUTO_TEST_CASE(a_child_is_fed_read_and_bounded) {
  const std::string large(300'000, 'x');
  const auto cat = run_child("/bin/cat", {}, large);
  BOOST_TEST_REQUIRE(cat.ok(), cat.status().what());
  BOOST_TEST((cat->out == large));
  const auto both = run_child("/bin/sh", {"-c", "echo out; echo err >&2; exit 7"}, large);
  BOOST_TEST_REQUIRE(both.ok());
  BOOST_TEST(both->out == "out\n");
  BOOST_TEST(both->err == "err\n");
  BOOST_TEST(both->exit_code == 7);
  BOOST_TEST(run_child("/bin/sh", {"-c", "kill -9 $$"}, "")->signal == 9);
  BOOST_TEST(run_child("/bin/sleep", {"60"}, "", 20'000).status().what() == "'/bin/sleep 60' did not end within 20ms");
  BOOST_TEST((run_child("/nonexistent", {}, "").status().code() == Code::kNotFound));
}

BOOST_AUTO_TEST_SUITE_END()
