#include <boost/test/unit_test.hpp>

#include "supervisor/flink/patterns.h"
#include "supervisor/flink/script.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"

namespace stream::flink {
namespace {

constexpr Microseconds kMs = 1000;
constexpr Microseconds kSecond = 1000 * kMs;

BOOST_AUTO_TEST_SUITE(flink_words)

BOOST_AUTO_TEST_CASE(names_are_quoted_where_they_mean_something_else) {
  BOOST_TEST(quoted_name("host") == "host");
  BOOST_TEST(quoted_name("per-minute") == "`per-minute`");
  BOOST_TEST(quoted_name("Value") == "`Value`");
  BOOST_TEST(quoted_name("2nd") == "`2nd`");
  BOOST_TEST(quoted_name("a`b") == "`a``b`");
  BOOST_TEST(quoted_text("it's") == "'it''s'");
}

BOOST_AUTO_TEST_CASE(intervals_have_the_greatest_unit_that_fits) {
  BOOST_TEST(interval_text(0).value() == "INTERVAL '0' SECOND");
  BOOST_TEST(interval_text(5001 * kMs).value() == "INTERVAL '5.001' SECOND");
  BOOST_TEST(interval_text(300001 * kMs).value() == "INTERVAL '300.001' SECOND(3, 3)");
  BOOST_TEST(interval_text(600 * kSecond).value() == "INTERVAL '10' MINUTE");
  BOOST_TEST(interval_text(-7200 * kSecond).value() == "INTERVAL -'2' HOUR");
  BOOST_TEST(interval_text(100 * 86400 * kSecond).value() == "INTERVAL '100' DAY(3)");
  BOOST_TEST(!interval_text(1));
}

BOOST_AUTO_TEST_CASE(types_without_a_counterpart_have_no_name) {
  BOOST_TEST(type_text(kVarchar).value() == "STRING");
  BOOST_TEST(type_text(decimal_type(10, 2)).value() == "DECIMAL(10, 2)");
  for (const Type type : {kInterval, kBlob, kJson}) BOOST_TEST(!type_text(type));
}

BOOST_AUTO_TEST_CASE(patterns_of_times_are_those_of_java) {
  BOOST_TEST(java_time_pattern("YYYY-MM-DD HH24:MI:SS.MS").value() == "yyyy-MM-dd HH:mm:ss.SSS");
  BOOST_TEST(!java_time_pattern("YYYY Month"));
  BOOST_TEST(!java_time_pattern("YYYY'MM"));
}

BOOST_AUTO_TEST_CASE(regular_expressions_are_taken_only_if_java_reads_them_alike) {
  BOOST_TEST(java_regex("(&|^)id=([^&]*)").value() == "(&|^)id=([^&]*)");
  BOOST_TEST(java_regex("^a.b$").value() == "(?s)^a.b\\z");
  BOOST_TEST(java_regex("\\d+\\.\\w").value() == "\\d+\\.\\w");
  for (const char* text : {"ab|cd", "(ab|cd)", "(?i)a", "\\bword", "[[:alpha:]]", "[a&&b]", "[]a]", "a\\"})
    BOOST_TEST(!java_regex(text), text);
}

BOOST_AUTO_TEST_CASE(a_script_is_rendered_with_its_comments) {
  const Table table{.name = "t", .columns = {"n BIGINT"}, .options = {{"connector", "print"}}};
  BOOST_TEST(render({{"one\ntwo", "SET 'a' = 'b'"}, {"", table_sql(table)}}) ==
             "-- one\n-- two\nSET 'a' = 'b';\nCREATE TEMPORARY TABLE t (\n  n BIGINT\n) WITH (\n  'connector' = "
             "'print'\n);\n");
}

// The man page tells the same; tests/system/deploy.py looks at that.
BOOST_AUTO_TEST_CASE(no_stage_is_both_translated_and_refused) {
  for (const RefusedStage& refused : refused_stages()) {
    for (const StageRow& row : stage_rows()) BOOST_TEST(row.run != refused.run);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::flink
