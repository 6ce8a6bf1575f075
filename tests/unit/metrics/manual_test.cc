// The tables of stream-metrics(7) are those of the code. STREAM_REWRITE=1 writes them.
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "supervisor/metrics/metric.h"
#include "supervisor/metrics/reporter.h"

using namespace stream::metrics;

namespace {

const std::string kPage = std::string(STREAM_SOURCE_DIR) + "/man/stream-metrics.7";

std::string read_page() {
  std::ostringstream text;
  text << std::ifstream(kPage).rdbuf();
  return text.str();
}

std::string scopes_of(std::uint8_t bits) {
  std::string out;
  for (const Scope scope : kScopes) {
    if ((bits & static_cast<std::uint8_t>(scope)) == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(scope_name(scope));
  }
  return out;
}

std::string metrics_text() {
  std::string out;
  std::vector<std::uint8_t> seen;
  for (const MetricDefinition& first : metric_table()) {
    if (std::find(seen.begin(), seen.end(), first.scopes) != seen.end()) continue;
    seen.push_back(first.scopes);
    out += ".Ss " + scopes_of(first.scopes) + "\n.Bl -tag -width Ds\n";
    for (const MetricDefinition& metric : metric_table()) {
      if (metric.scopes != first.scopes) continue;
      out += ".It Cm " + std::string(metric.name) + " Pq " + std::string(kind_name(metric.kind)) + ", " +
             std::string(metric.unit) + "\n" + std::string(metric.meaning) + "\n";
    }
    out += ".El\n";
  }
  return out;
}

std::string option_text(const ReporterOption& option) {
  std::string out = ".It Cm " + std::string(option.name) + "\n" + std::string(option.meaning) + "\n";
  if (option.kind == OptionKind::kSecret) out += "A secret: env:NAME, file:PATH or credential:NAME.\n";
  if (option.required) out += "Required.\n";
  if (!option.fallback.empty()) out += "If absent,\n.Ql " + std::string(option.fallback) + " .\n";
  return out;
}

std::string reporters_text() {
  std::string out = ".Bl -tag -width Ds\n";
  for (const ReporterKind& kind : reporter_kinds()) {
    out += ".It Cm " + std::string(kind.name) + "\n" + std::string(kind.meaning) + "\n";
    if (kind.options.empty()) continue;
    out += ".Bl -tag -width Ds\n";
    for (const ReporterOption& option : kind.options) out += option_text(option);
    out += ".El\n";
  }
  return out + ".El\n";
}

// What stands between the marks; it is put there if that is wanted.
std::string between(const std::string& what, const std::string& wanted) {
  const std::string begin = ".\\\" begin " + what + "\n";
  std::string page = read_page();
  const std::size_t from = page.find(begin) + begin.size();
  const std::size_t to = page.find(".\\\" end " + what + "\n");
  BOOST_TEST_REQUIRE((to != std::string::npos && from <= to));
  if (std::getenv("STREAM_REWRITE") != nullptr) {
    page.replace(from, to - from, wanted);
    std::ofstream(kPage) << page;
    return wanted;
  }
  return page.substr(from, to - from);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(manual)

BOOST_AUTO_TEST_CASE(the_page_has_every_metric) { BOOST_TEST(between("metrics", metrics_text()) == metrics_text()); }

BOOST_AUTO_TEST_CASE(the_page_has_every_reporter) {
  BOOST_TEST(between("reporters", reporters_text()) == reporters_text());
}

BOOST_AUTO_TEST_SUITE_END()
