#include "supervisor/http/ui.h"

#include <boost/test/unit_test.hpp>

#include "supervisor/http/manifest_text.h"

using namespace stream;
using namespace stream::http;

namespace {

std::string header(const Answer& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return "";
}

std::string versioned(std::string_view name) { return "/ui/" + std::string(ui_version()) + "/" + std::string(name); }

PipelineSpec shop() {
  PipelineSpec spec;
  spec.name = "shop";
  spec.folder = "/data";
  StageSpec orders{.name = "orders", .run = "read-file", .options = R"({"path":"a: b.csv","schema":"n bigint"})"};
  StageSpec joined{.name = "joined", .run = "join", .options = R"({"on":["a","b"],"define":{"big":"x > 1"}})"};
  joined.from = {{.stage = "orders", .name = "left"}, {.stage = "other", .output = "late", .name = "right"}};
  joined.parallelism = 4;
  joined.parallelism_given = true;
  spec.stages = {orders, joined};
  return spec;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ui)

BOOST_AUTO_TEST_CASE(only_files_that_are_there_are_pages) {
  BOOST_TEST(is_ui("GET", "/"));
  BOOST_TEST(is_ui("HEAD", "/?x"));
  BOOST_TEST(is_ui("GET", versioned("main.js")));
  BOOST_TEST(is_ui("GET", "/ui/older/main.js"));
  BOOST_TEST(!is_ui("POST", "/"));
  for (const char* other : {"/jobs", "/ui/none.js", "/ui/../main.js/x", "/ui/x/../main.js", "/uix", "/v1"})
    BOOST_TEST(!is_ui("GET", other), other);
}

BOOST_AUTO_TEST_CASE(what_is_named_by_its_version_is_kept_for_ever_and_the_rest_asked_for_again) {
  const Answer script = ui_answer(versioned("main.js"), "");
  BOOST_TEST(header(script, "Cache-Control") == "public, max-age=31536000, immutable");
  BOOST_TEST(script.type == "text/javascript; charset=UTF-8");
  const Answer index = ui_answer("/", "");
  BOOST_TEST(header(index, "Cache-Control") == "no-cache");
  BOOST_TEST(index.text.find(versioned("main.js")) != std::string::npos);
  BOOST_TEST(header(ui_answer("/ui/older/main.js", ""), "Cache-Control") == "no-cache");
  const Answer same = ui_answer("/", header(index, "ETag"));
  BOOST_TEST(same.status == 304);
  BOOST_TEST(same.text.empty());
  BOOST_TEST(ui_answer("/", "\"another\"").status == 200);
}

BOOST_AUTO_TEST_CASE(nothing_is_run_that_is_not_a_file_of_ours) {
  const std::string policy = header(ui_answer("/", ""), "Content-Security-Policy");
  BOOST_TEST(policy.find("default-src 'none'") != std::string::npos);
  BOOST_TEST(policy.find("script-src 'self';") != std::string::npos);
  BOOST_TEST(policy.find("unsafe") == std::string::npos);
  BOOST_TEST(policy.find("frame-ancestors 'none'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_manifest_is_written_with_what_is_not_usual) {
  BOOST_TEST(manifest_text(shop()) == R"(# As the job keeps it; relative paths start at /data
pipeline: shop
stages:
  orders:
    run: read-file
    path: "a: b.csv"
    schema: n bigint
  joined:
    run: join
    from:
      left: orders
      right: other.late
    on: ["a", "b"]
    define:
      big: x > 1
    parallelism: 4
)");
}

BOOST_AUTO_TEST_CASE(settings_that_differ_stand_above_the_stages) {
  PipelineSpec spec = shop();
  spec.stages.resize(1);
  spec.stages[0].options = R"({"note":"yes: 'it' #1","empty":""})";
  spec.checkpoint = {.enabled = true, .interval = 2'000'000, .keep = 5};
  spec.restart = {.strategy = RestartStrategy::kFixedDelay, .attempts = 3};
  spec.align = 60'000'000;
  BOOST_TEST(manifest_text(spec) == R"(# As the job keeps it; relative paths start at /data
pipeline: shop
checkpoint:
  interval: 2s
  keep: 5
restart:
  strategy: fixed-delay
  attempts: 3
align: 1m
stages:
  orders:
    run: read-file
    note: "yes: 'it' #1"
    empty: ""
)");
}

BOOST_AUTO_TEST_SUITE_END()
