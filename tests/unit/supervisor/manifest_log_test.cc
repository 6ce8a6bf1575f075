#include <boost/test/unit_test.hpp>

#include "fake_stages.h"
#include "supervisor/manifest_log.h"

using namespace stream;
using stream::testing::load;

namespace {

std::string manifest(const std::string& log_to) {
  return "pipeline: p\nlog-to: " + log_to + "\nstages:\n  in: {run: read-file, path: x}\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(manifest_log)

BOOST_AUTO_TEST_CASE(places_have_options) {
  const auto loaded = load(
      manifest("{journald: {level: info}, syslog: {address: \"logs:514\", facility: local3, format: json}, stderr: {}, "
               "file: {size: 1MiB, keep: 2}}"));
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const std::vector<LogSinkSpec>& found = loaded.pipelines[0].log_to;
  BOOST_TEST_REQUIRE(found.size() == 4U);
  BOOST_TEST(found[0].kind == "journald");
  BOOST_TEST(found[0].level == "info");
  BOOST_TEST(found[1].address == "logs:514");
  BOOST_TEST(found[1].facility == "local3");
  BOOST_TEST(found[1].format == "json");
  BOOST_TEST(found[2].format == "text");
  BOOST_TEST(found[3].size_bytes == 1U << 20);
  BOOST_TEST(found[3].keep == 2U);
  const auto again = pipeline_from_json(pipeline_to_json(loaded.pipelines[0]));
  BOOST_TEST_REQUIRE(again.ok());
  BOOST_TEST((again->log_to == found));
}

BOOST_AUTO_TEST_CASE(names_are_enough) {
  for (const char* text : {"journald", "[journald]", "{journald: }", "{journald: {}}"}) {
    const auto loaded = load(manifest(text));
    BOOST_TEST_REQUIRE(loaded.problems == "", loaded.problems);
    BOOST_TEST_REQUIRE(loaded.pipelines[0].log_to.size() == 1U);
    BOOST_TEST(loaded.pipelines[0].log_to[0].kind == "journald");
  }
  Problems problems;
  BOOST_TEST(read_log_to_text("stderr,syslog", "--log-to", problems).size() == 2U);
  BOOST_TEST(problems.empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
  const std::pair<const char*, const char*> wrong[] = {
      {"journal", "has no key 'journal'; did you mean 'journald'?; there are file, stderr, syslog, journald"},
      {"[stderr, stderr]", "'stderr' is there twice"},
      {"{stderr: {format: xml}}", "xml"},
      {"{stderr: {size: 1MiB}}", "size"},
      {"{file: {size: 1KiB}}", "at least 64KiB"},
      {"{file: {keep: 1}}", "keep"},
      {"{syslog: {address: nowhere}}", "address"},
      {"{journald: {address: \"host:514\"}}", "no path"},
      {"{syslog: {facility: mine}}", "mine"}};
  for (const auto& [text, says] : wrong) {
    const std::string problems = load(manifest(text)).problems;
    BOOST_TEST(problems.find(says) != std::string::npos, text << ": " << problems);
  }
}

BOOST_AUTO_TEST_SUITE_END()
