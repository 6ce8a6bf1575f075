#include "supervisor/http/command_lines.h"

#include <boost/test/unit_test.hpp>

#include "transport/base/text.h"

namespace stream::http {
namespace {

// Brings bytes over, in pieces of this size.
std::string brought(const std::string& bytes, std::size_t piece) {
  CommandOutput output("stdout");
  std::string lines;
  for (std::size_t at = 0; at < bytes.size(); at += piece) lines += output.add(bytes.substr(at, piece));
  lines += output.end();
  std::string out;
  for (const std::string& text : split(lines, '\n')) {
    if (text.empty()) continue;
    const auto line = read_command_line(text);
    BOOST_TEST_REQUIRE(line.ok());
    BOOST_TEST((line->what == CommandLine::What::kOut));
    out += line->bytes;
  }
  return out;
}

BOOST_AUTO_TEST_CASE(every_byte_arrives_wherever_it_is_cut) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const std::vector<std::string> texts = {"plain\n",
                                          "Gr\xC3\xBC\xC3\x9F"
                                          "e \xE2\x82\xAC \xF0\x9F\x98\x80\n",
                                          all,
                                          all + all + "x",
                                          "\xF0\x9F",
                                          "\xFF",
                                          std::string("\0\n\0", 3)};
  for (const std::string& text : texts) {
    for (std::size_t piece = 1; piece <= text.size(); ++piece) BOOST_TEST(brought(text, piece) == text);
  }
}

BOOST_AUTO_TEST_CASE(text_stays_text_where_a_character_is_cut) {
  CommandOutput output("stderr");
  BOOST_TEST(output.add("a\xE2\x82") == "{\"stderr\":\"a\"}\n");
  BOOST_TEST(output.add("\xAC"
                        "b") ==
             "{\"stderr\":\"\xE2\x82\xAC"
             "b\"}\n");
  BOOST_TEST(output.end() == "");
}

BOOST_AUTO_TEST_CASE(the_end_is_told) {
  BOOST_TEST(exit_line(111) == "{\"exit\":111}\n");
  BOOST_TEST(read_command_line("{\"exit\":111}")->number == 111);
  BOOST_TEST((read_command_line("{\"signal\":15}")->what == CommandLine::What::kSignal));
  BOOST_TEST((read_command_line("{}")->what == CommandLine::What::kSilence));
}

BOOST_AUTO_TEST_CASE(what_is_no_line_of_a_command_is_said_to_be_none) {
  BOOST_TEST(!read_command_line("").ok());
  BOOST_TEST(!read_command_line("<html>").ok());
  BOOST_TEST(!read_command_line("{\"stdout64\":\"a b\"}").ok());
}

}  // namespace
}  // namespace stream::http
