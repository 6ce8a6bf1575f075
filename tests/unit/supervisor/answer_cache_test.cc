#include "supervisor/answer_cache.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "supervisor/stage_folders.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

// A stage program that answers every plan with `answer` and counts how often it was started.
class Program {
 public:
  explicit Program(const TempDir& folder) : path_(folder / "stream-odd"), log_(folder / "log") {}

  void answers(const std::string& answer) const {
    std::ofstream(path_) << "#!/bin/sh\necho asked >> " << log_ << "\ncat >/dev/null\necho '" << answer << "'\n";
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  StageInfo info() const { return {.name = "odd", .executable = path_}; }
  std::size_t times_asked() const {
    std::ifstream log(log_);
    std::size_t n = 0;
    for (std::string line; std::getline(log, line);) ++n;
    return n;
  }

 private:
  std::string path_;
  std::string log_;
};

const std::string kCacheable = R"({"protocol":1,"visible":"at once","cacheable":true})";

}  // namespace

BOOST_AUTO_TEST_SUITE(answer_cache)

BOOST_AUTO_TEST_CASE(an_answer_is_given_to_its_question_only) {
  const TempDir folder;
  AnswerCache cache(folder / "made", system_files());
  BOOST_TEST(!cache.find("x", "how?"));
  cache.keep("x", "how?", "so\n");
  BOOST_TEST(*cache.find("x", "how?") == "so\n");
  BOOST_TEST(!cache.find("x", "how"));
  BOOST_TEST(!cache.find("x", "how?\nso"));
  BOOST_TEST(!cache.find("y", "how?"));
  cache.keep("x", "why?", "");
  BOOST_TEST(!cache.find("x", "how?"));
  BOOST_TEST(*cache.find("x", "why?") == "");
  BOOST_TEST(system_files().list(folder / "made")->size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_no_answer) {
  const TempDir folder;
  AnswerCache cache(folder.path(), system_files());
  cache.keep("x", "question", "the answer");
  const std::string whole = *system_files().read_file(folder / "x");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    BOOST_TEST(system_files().write_file(folder / "x", whole.substr(0, n)).ok());
    BOOST_TEST(!cache.find("x", "question"), "cut to " << n);
    std::string flipped = whole;
    flipped[n] = static_cast<char>(flipped[n] ^ 0x20);
    BOOST_TEST(system_files().write_file(folder / "x", flipped).ok());
    BOOST_TEST(!cache.find("x", "question"), "flipped at " << n);
  }
}

BOOST_AUTO_TEST_CASE(without_a_folder_nothing_is_kept_and_nothing_fails) {
  AnswerCache none("", system_files());
  none.keep("x", "q", "a");
  BOOST_TEST(!none.find("x", "q"));
  AnswerCache lost("/proc/nowhere/cache", system_files());
  lost.keep("x", "q", "a");
  BOOST_TEST(!lost.find("x", "q"));
}

BOOST_AUTO_TEST_CASE(a_cacheable_plan_is_asked_once_for_each_question) {
  const TempDir folder;
  const Program program(folder);
  program.answers(kCacheable);
  for (int i = 0; i < 3; ++i) {
    ProcessAsker asker(folder / "cache", system_files());
    const auto answer = asker.ask(program.info(), {.stage = "s", .folder = "/d"});
    BOOST_TEST_REQUIRE(answer.ok(), answer.status().what());
    BOOST_TEST(answer->visible == "at once");
  }
  BOOST_TEST(program.times_asked() == 1u);
  ProcessAsker asker(folder / "cache", system_files());
  const StageQuestion others[] = {{.stage = "t", .folder = "/d"},
                                  {.stage = "s", .folder = "/e"},
                                  {.stage = "s", .options = R"({"a":"b"})", .folder = "/d"},
                                  {.stage = "s", .folder = "/d", .parallelism = 2},
                                  {.stage = "s", .inputs = {{"in", *parse_schema("a int")}}, .folder = "/d"}};
  for (const StageQuestion& other : others) BOOST_TEST(asker.ask(program.info(), other).ok());
  BOOST_TEST(program.times_asked() == 6u);
}

BOOST_AUTO_TEST_CASE(a_changed_program_is_asked_for_its_plan_again) {
  const TempDir folder;
  const Program program(folder);
  ProcessAsker asker(folder / "cache", system_files());
  program.answers(kCacheable);
  BOOST_TEST(asker.ask(program.info(), {})->visible == "at once");
  program.answers(R"({"protocol":1,"visible":"later","cacheable":true})");
  BOOST_TEST(asker.ask(program.info(), {})->visible == "later");
}

BOOST_AUTO_TEST_CASE(what_looked_at_the_world_or_is_wrong_is_asked_again) {
  for (const std::string answer : {R"({"protocol":1})", R"({"protocol":1,"cacheable":false})",
                                   R"({"protocol":1,"cacheable":true,"errors":[{"option":"a","message":"m"}]})"}) {
    const TempDir folder;
    const Program program(folder);
    program.answers(answer);
    ProcessAsker asker(folder / "cache", system_files());
    BOOST_TEST(asker.ask(program.info(), {}).ok());
    BOOST_TEST(asker.ask(program.info(), {}).ok());
    BOOST_TEST(program.times_asked() == 2u, answer);
  }
}

BOOST_AUTO_TEST_SUITE_END()
