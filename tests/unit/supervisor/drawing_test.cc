#include "supervisor/drawing.h"

#include <boost/test/unit_test.hpp>

#include "fake_stages.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(drawing)

BOOST_AUTO_TEST_CASE(a_pipeline_is_a_tree_along_the_data) {
  const auto loaded = stream::testing::load(R"(pipeline: p
stages:
  a: {run: read-file, path: x}
  b: {run: filter, where: x, parallelism: 2}
  c: {run: filter, from: a.errors, where: x}
  both: {run: join, from: {l: b, r: c}}
  print: {run: print}
)");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  BOOST_TEST(graph_text(loaded.pipelines[0]) ==
             "p\n"
             "a: read-file\n"
             "├─ b: filter x2\n"
             "│  └─ (as l) both: join\n"
             "│     └─ print\n"
             "└─ (.errors) c: filter\n"
             "   └─ (as r) -> both\n");
  const std::string dot = graph_dot(loaded.pipelines[0]);
  BOOST_TEST(dot.find("\"a\" -> \"c\" [label=\".errors\"];") != std::string::npos, dot);
  BOOST_TEST(dot.find("\"b\" -> \"both\" [label=\"as l\"];") != std::string::npos, dot);
}

BOOST_AUTO_TEST_SUITE_END()
