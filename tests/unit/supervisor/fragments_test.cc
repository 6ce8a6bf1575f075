#include <boost/test/unit_test.hpp>

#include "fake_stages.h"

using namespace stream;
using stream::testing::FakeFiles;
using stream::testing::load;

namespace {

const std::string kCount = R"(fragment: count
parameters: {least: {type: bigint}, by: {default: host}}
stages:
  big: {run: filter, where: "ms >= ${least}"}
  counted: {run: aggregate, by: "${by}", compute: count(*) as n}
  seen: {run: write-file, from: big, path: seen.ndjson}
output: {out: counted, big: big}
)";

FakeFiles files_with(const std::string& path, const std::string& text) {
  FakeFiles files;
  files.texts[path] = text;
  return files;
}

std::string problems_of(const std::string& text, const FakeFiles& files) { return load(text, {}, files).problems; }

}  // namespace

BOOST_AUTO_TEST_SUITE(fragments)

BOOST_AUTO_TEST_CASE(a_fragment_is_included_twice_with_other_parameters) {
  const auto loaded = load(R"(pipeline: p
include:
  hosts: {file: sub/count.yaml, from: in, parameters: {least: 10}}
  paths: {file: sub/count.yaml, from: [in, more], parameters: {least: "20", by: path}}
stages:
  in: {run: read-file, path: in}
  more: {run: read-file, path: more}
  a: {run: print, from: hosts}
  b: {run: print, from: [paths.big, hosts/counted]}
)",
                           {}, files_with("/data/sub/count.yaml", kCount));
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const PipelineSpec& p = loaded.pipelines[0];
  BOOST_TEST(p.find("hosts/big")->options == R"({"where":"ms >= 10"})");
  BOOST_TEST(p.find("hosts/big")->from.at(0).stage == "in");
  BOOST_TEST(p.find("paths/big")->from.size() == 2u);
  BOOST_TEST(p.find("paths/big")->from.at(1).stage == "more");
  BOOST_TEST(p.find("paths/counted")->options == R"({"by":"path","compute":"count(*) as n"})");
  BOOST_TEST(p.find("a")->from.at(0).stage == "hosts/counted");
  BOOST_TEST(p.find("b")->from.at(0).stage == "paths/big");
  BOOST_TEST(p.folder_of(*p.find("hosts/seen")) == "/data/sub");
  BOOST_TEST(p.folder_of(*p.find("a")) == "/data");
  const auto again = pipeline_from_json(pipeline_to_json(p));
  BOOST_TEST_REQUIRE(again.ok());
  BOOST_TEST(again->folder_of(*again->find("hosts/seen")) == "/data/sub");
}

BOOST_AUTO_TEST_CASE(inputs_have_names) {
  const auto files = files_with("/data/f.yaml", R"(stages:
  both: {run: join, from: {l: input.left, r: input.right}, on: l.a = r.a}
)");
  const std::string head = "pipeline: p\ninclude: {f: {file: f.yaml, from: ";
  const std::string tail = "}}\nstages:\n  a: {run: read-file, path: a}\n  o: {run: print, from: f}\n";
  const auto loaded = load(head + "{left: a, right: a.errors}" + tail, {}, files);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const StageSpec& both = *loaded.pipelines[0].find("f/both");
  BOOST_TEST(both.from.at(0).name == "l");
  BOOST_TEST(both.from.at(0).stage == "a");
  BOOST_TEST(both.from.at(1).name == "r");
  BOOST_TEST(both.from.at(1).output == "errors");
  BOOST_TEST(problems_of(head + "{left: a}" + tail, files) ==
             "f.yaml:2:46: the include at m.yaml:2:11 gives no 'input.right'; it gives input.left (included as 'f' at "
             "m.yaml:2:11)");
  BOOST_TEST(
      problems_of(head + "a" + tail, files).find("the include at m.yaml:2:11 gives no 'input.left'; it gives input") !=
      std::string::npos);
}

BOOST_AUTO_TEST_CASE(fragments_nest_and_see_only_what_is_theirs) {
  FakeFiles files = files_with("/data/outer.yaml", R"(include: {inner: {file: deep/inner.yaml, from: input}}
stages:
  last: {run: filter, from: inner, where: y}
)");
  files.texts["/data/deep/inner.yaml"] = "stages:\n  first: {run: filter, where: x}\n";
  const std::string text =
      "pipeline: p\ninclude: {o: {file: outer.yaml, from: in}}\nstages:\n  in: {run: read-file, path: x}\n"
      "  out: {run: print, from: o}\n";
  const auto loaded = load(text, {}, files);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  BOOST_TEST(loaded.pipelines[0].find("o/inner/first")->from.at(0).stage == "in");
  BOOST_TEST(loaded.pipelines[0].find("o/last")->from.at(0).stage == "o/inner/first");
  files.texts["/data/deep/inner.yaml"] = "stages:\n  first: {run: filter, from: in, where: x}\n";
  BOOST_TEST(problems_of(text, files) ==
             "deep/inner.yaml:2:30: no stage 'in' (included as 'inner' at outer.yaml:1:11)");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_says_how_it_came_in) {
  const std::string head = "pipeline: p\ninclude: {f: ";
  const std::string tail = "}\nstages:\n  a: {run: read-file, path: a}\n  o: {run: print, from: f}\n";
  const auto of = [&](const std::string& include, const std::string& fragment) {
    return problems_of(head + include + tail, files_with("/data/f.yaml", fragment));
  };
  BOOST_TEST(
      of("{file: f.yaml, from: a}", "stages:\n  x: {run: fliter, where: y}\n") ==
      "f.yaml:2:12: there is no stage program 'fliter'; did you mean 'filter'? (included as 'f' at m.yaml:2:11)");
  BOOST_TEST(of("f.yaml", "stages:\n  x: {run: filter, from: input, where: y}\n")
                 .starts_with("f.yaml:2:26: there is no 'input': the include at m.yaml:2:11 needs 'from'"));
  BOOST_TEST(of("{file: f.yaml, from: a}", kCount)
                 .starts_with("m.yaml:2:14: parameter 'least' has no default: give parameters: {least: VALUE}"));
  BOOST_TEST(of("{file: f.yaml, from: a, parameters: {least: 1, bye: x}}", kCount)
                 .starts_with("m.yaml:2:50: the included file declares no parameter 'bye'; did you mean 'by'?"));
  BOOST_TEST(of("{file: f.yaml, from: f}", "stages:\n  x: {run: filter, where: y}\noutput: input\n")
                 .find("leads back to itself") != std::string::npos);
  BOOST_TEST(of("f.yaml", "include: {g: f.yaml}\nstages:\n  x: {run: read-file, path: y}\n") ==
             "f.yaml:1:14: 'f.yaml' includes itself (included as 'f' at m.yaml:2:11)");
  BOOST_TEST(of("f.yaml", "pipeline: q\nstages: {}\n").starts_with("f.yaml:1:1: this is a pipeline"));
}

BOOST_AUTO_TEST_CASE(files_are_included_eight_deep_at_most) {
  FakeFiles files;
  for (int i = 0; i < 12; ++i) {
    files.texts["/data/f" + std::to_string(i) + ".yaml"] =
        "include: {n: f" + std::to_string(i + 1) + ".yaml}\nstages: {x: {run: read-file, path: y}}\n";
  }
  const std::string problems =
      problems_of("pipeline: p\ninclude: {f: f0.yaml}\nstages: {o: {run: print, from: f}}\n", files);
  BOOST_TEST(problems.starts_with("f7.yaml:1:14: files are included more than 8 deep"));
}

BOOST_AUTO_TEST_CASE(maps_are_merged) {
  const auto loaded = load(R"(pipeline: p
stages:
  a: &base {run: read-file, path: x, time: ts}
  b: {<<: *base, path: y}
  c: {<<: [{path: z}, *base]}
)");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  BOOST_TEST(loaded.pipelines[0].find("b")->options == R"({"path":"y","time":"ts"})");
  BOOST_TEST(loaded.pipelines[0].find("c")->options == R"({"path":"z","time":"ts"})");
  BOOST_TEST(load("pipeline: p\nstages:\n  b: {<<: x, run: read-file, path: y}\n")
                 .problems.starts_with("m.yaml:3:11: '<<' takes a map"));
}

BOOST_AUTO_TEST_SUITE_END()
