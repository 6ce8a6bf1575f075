#include "supervisor/profile/call_tree.h"

#include <boost/test/unit_test.hpp>

using namespace stream::profile;

BOOST_AUTO_TEST_SUITE(call_tree)

BOOST_AUTO_TEST_CASE(a_function_counts_what_it_calls) {
  CallTree tree;
  BOOST_TEST(tree.add_folded("main;read;poll 12"));
  BOOST_TEST(tree.add_folded("main;read 3"));
  BOOST_TEST(tree.add_folded("main;write it 5"));
  BOOST_TEST(tree.root().value == 20U);
  BOOST_REQUIRE(tree.root().children.size() == 1U);
  const CallNode& top = tree.root().children[0];
  BOOST_TEST(top.value == 20U);
  BOOST_REQUIRE(top.children.size() == 2U);
  BOOST_TEST(top.children[0].value == 15U);
  BOOST_TEST(top.children[1].name == "write it");
  BOOST_TEST(depth_of(tree.root()) == 4U);
}

BOOST_AUTO_TEST_CASE(folding_gives_back_what_was_added) {
  CallTree tree;
  for (const char* line : {"b;c 2", "a 1", "b 7", "b;c 1"}) BOOST_TEST(tree.add_folded(line));
  const std::vector<std::string> wanted = {"a 1", "b 7", "b;c 3"};
  BOOST_TEST(tree.folded() == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_no_stack_adds_nothing) {
  CallTree tree;
  for (const char* line : {"", "main", "main x", "main 1x", " 4", "main -1"}) BOOST_TEST(!tree.add_folded(line));
  BOOST_TEST(tree.root().value == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
