#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sample_program.h"
#include "stages/kit/describe.h"
#include "transport/base/text.h"

using namespace stream;
using stream::testing::kSample;

namespace {

// Runs a checker over a text in a file; its exit code.
int check_with(const std::string& command, const std::string& text) {
  char path[] = "/tmp/stream-describe-XXXXXX";
  const int fd = mkstemp(path);
  std::ofstream(path) << text;
  const int code = std::system((command + " " + path).c_str());
  std::remove(path);
  close(fd);
  return code;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(describe)

BOOST_AUTO_TEST_CASE(help_fits_a_terminal_and_lists_every_option_once) {
  const std::string help = help_text(kSample);
  for (const std::string& line : split(help, '\n')) BOOST_TEST(line.size() <= 80u, line);
  BOOST_TEST(help.starts_with("usage: stream-sample [OPTION]... EXPR\nstream-sample: keep what matters\n"));
  BOOST_TEST(help.find("\n  --lateness DURATION       How late. [0s]\n") != std::string::npos, help);
  BOOST_TEST(help.find("  --format") == help.rfind("  --format"));
  BOOST_TEST(help.find("--control") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_man_page_lints_clean) {
  BOOST_TEST(check_with("mandoc -T lint -W warning", man_page(kSample)) == 0);
}

BOOST_AUTO_TEST_CASE(the_man_page_lists_exit_codes_and_examples) {
  const std::string page = man_page(kSample);
  for (const char* part : {".Sh EXIT STATUS", ".It 98\n", ".Sh EXAMPLES", ".Xr stream-manifest 5", "\\&.Starts"}) {
    BOOST_TEST(page.find(part) != std::string::npos, part);
  }
}

BOOST_AUTO_TEST_CASE(describe_is_what_the_planner_reads) {
  const auto json = nlohmann::json::parse(describe_json(kSample));
  BOOST_TEST(json["protocol"] == 1);
  BOOST_TEST(json["name"] == "sample");
  BOOST_TEST(json["kind"] == "operator");
  BOOST_TEST(json["inputs-max"] == 1);
  BOOST_TEST((json["outputs"] == nlohmann::json{"out", "late", "errors"}));
  BOOST_TEST(json["options"].size() == kSample.options.size());
  BOOST_TEST(json["options"][0]["positional"] == true);
  BOOST_TEST(json["options"][8]["choices"].size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_json_schema_has_reserved_options_and_what_is_required) {
  const auto json = nlohmann::json::parse(json_schema(kSample));
  BOOST_TEST((json["required"] == nlohmann::json{"run", "where"}));
  BOOST_TEST(json["additionalProperties"] == false);
  for (const char* name : {"from", "parallelism", "time", "compute"}) BOOST_TEST(json["properties"].contains(name));
  BOOST_TEST(!json["properties"].contains("in"));
}

BOOST_AUTO_TEST_CASE(completion_scripts_are_read_by_their_shells) {
  BOOST_TEST(check_with("bash -n", completion_script(kSample, "bash")) == 0);
  if (std::system("command -v zsh >/dev/null") == 0) {
    BOOST_TEST(check_with("zsh -n", completion_script(kSample, "zsh")) == 0);
  }
  if (std::system("command -v fish >/dev/null") == 0) {
    BOOST_TEST(check_with("fish -n", completion_script(kSample, "fish")) == 0);
  }
  BOOST_TEST(completion_script(kSample, "fish").find("-l if-exists -d 'What then.' -x -a 'append replace fail'") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
