#include "supervisor/profile/flame_svg.h"

#include <boost/test/unit_test.hpp>

using namespace stream::profile;

namespace {

std::size_t times(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) ++n;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flame_graphs)

BOOST_AUTO_TEST_CASE(every_function_is_as_wide_as_its_share) {
  CallTree tree;
  BOOST_TEST(tree.add_folded("main;read 3"));
  BOOST_TEST(tree.add_folded("main;write 1"));
  const std::string svg = flame_svg(tree, {"job: stage", "4 samples"});
  BOOST_TEST(times(svg, "<g class=\"f\"") == 4U);  // with "all"
  BOOST_TEST(svg.find("<title>read — 3 samples, 75.00%</title>") != std::string::npos);
  BOOST_TEST(svg.find("<title>write — 1 sample, 25.00%</title>") != std::string::npos);
  BOOST_TEST(svg.find("width=\"885.00\"") != std::string::npos);
  BOOST_TEST(svg.find("x=\"895.00\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_are_text_not_markup) {
  CallTree tree;
  BOOST_TEST(tree.add_folded("std::map<\"a&b\">::x 1"));
  const std::string svg = flame_svg(tree, {"<job>", "&"});
  BOOST_TEST(svg.find("std::map&lt;&quot;a&amp;b&quot;&gt;::x") != std::string::npos);
  BOOST_TEST(svg.find("<job>") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_too_narrow_to_be_seen_is_left_out) {
  CallTree tree;
  BOOST_TEST(tree.add_folded("main;much 1000000"));
  for (int i = 0; i < 1000; ++i) BOOST_TEST(tree.add_folded("main;f" + std::to_string(i) + " 1"));
  BOOST_TEST(times(flame_svg(tree, {}), "<g class=\"f\"") == 3U);
}

BOOST_AUTO_TEST_CASE(long_names_are_cut_between_characters) {
  CallTree tree;
  std::string name;
  for (int i = 0; i < 300; ++i) name += "ä";
  BOOST_TEST(tree.add_folded(name + " 1"));
  const std::string svg = flame_svg(tree, {});
  BOOST_TEST(svg.find("ä…</text>") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_sample_is_said_to_be_none) {
  BOOST_TEST(flame_svg(CallTree(), {}).find("No sample") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
