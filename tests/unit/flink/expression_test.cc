#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "supervisor/flink/expression.h"
#include "supervisor/flink/functions.h"
#include "supervisor/flink/select.h"

namespace stream::flink {
namespace {

using expression::Failure;

const Schema& columns() {
  static const Schema schema = *parse_schema(
      "n bigint, m bigint, f double, d decimal(10,2), t varchar, b boolean, ts timestamp, day date, j json, \"order\" "
      "bigint");
  return schema;
}

std::string translated(const std::string& text) {
  const expression::Scope scope{.schema = &columns()};
  ExpressionWriter writer(scope, column_names(columns()));
  return writer.exact(expression::parse_expression(text, columns().names()));
}

std::string refusal(const std::string& text) {
  try {
    return "is translated: " + translated(text);
  } catch (const Failure& failure) { return std::to_string(failure.offset) + ": " + failure.message; }
}

struct Case {
  const char* here;
  const char* there;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.here; }

constexpr Case kTranslated[] = {
    {"n", "n"},
    {"\"order\"", "`order`"},
    {"n + m * 2", "n + m * 2"},
    {"(n + m) * 2", "(n + m) * 2"},
    {"n - (m - 1)", "n - (m - 1)"},
    {"-n", "-n"},
    {"1", "CAST(1 AS BIGINT)"},
    {"2147483648 + n", "2147483648 + n"},
    {"1 + 2", "CAST(3 AS BIGINT)"},
    {"n % 3", "CAST(MOD(n, 3) AS BIGINT)"},
    {"n % m", "MOD(n, m)"},
    {"length(t) * length(t)", "CAST(CHAR_LENGTH(t) AS BIGINT) * CHAR_LENGTH(t)"},
    {"0.5 * n", "CAST(0.5 * n AS DECIMAL(20, 1))"},
    {"f + n", "f + n"},
    {"'it''s'", "CAST('it''s' AS STRING)"},
    {"t || 'x'", "t || 'x'"},
    {"t = 'a' and (b or n <> 1)", "t = 'a' AND (b OR n <> 1)"},
    {"not b", "NOT b"},
    {"b is not true", "b IS NOT TRUE"},
    {"n is null", "n IS NULL"},
    {"n is not distinct from m", "n IS NOT DISTINCT FROM m"},
    {"n in (1, 2)", "n IN (1, 2)"},
    {"n not between 1 and m", "n NOT BETWEEN 1 AND m"},
    {"t like 'a%'", "t LIKE 'a%'"},
    {"ts > '2026-01-31'", "ts > CAST(TIMESTAMP '2026-01-31 00:00:00' AS TIMESTAMP_LTZ(6))"},
    {"ts + interval '90 minutes'", "CAST(ts + INTERVAL '90' MINUTE AS TIMESTAMP_LTZ(6))"},
    {"case when b then 1 else n end", "CASE WHEN b THEN 1 ELSE n END"},
    {"case t when 'a' then 1 end", "CAST(CASE t WHEN 'a' THEN 1 END AS BIGINT)"},
    {"coalesce(n, 0)", "COALESCE(n, 0)"},
    {"d::bigint", "CAST(ROUND(d, 0) AS BIGINT)"},
    {"n::varchar", "CAST(n AS STRING)"},
    {"concat(t, 'x')", "CONCAT_WS('', t, 'x')"},
    {"strpos(t, 'x')", "CAST(POSITION('x' IN t) AS BIGINT)"},
    {"split_part(t, '/', 2)", "COALESCE(SPLIT_INDEX(t, '/', 1), LEFT(t, 0))"},
    {"to_char(ts, 'YYYY-MM-DD')", "DATE_FORMAT(CAST(ts AS TIMESTAMP(6)), 'yyyy-MM-dd')"},
    {"extract(hour from ts)", "EXTRACT(HOUR FROM CAST(ts AS TIMESTAMP(6)))"},
    {"date_trunc('day', ts)", "CAST(FLOOR(CAST(ts AS TIMESTAMP(6)) TO DAY) AS TIMESTAMP_LTZ(6))"},
    {"t ~ 'a.c$'", "REGEXP(t, '(?s)a.c\\z')"},
    {"sqrt(n)", "SQRT(CAST(n AS DOUBLE))"},
    {"j", "j"},
};

constexpr Case kRefused[] = {
    {"random() > 0.5", "0: function random() has no exact counterpart in Flink"},
    {"n + gcd(n, m)", "4: function gcd() has no exact counterpart in Flink"},
    {"j ->> 'a'", "2: reaching into JSON with ->> has no exact counterpart in Flink"},
    {"j.a", "0: a field of a JSON column has no exact counterpart in Flink"},
    {"greatest(n, m)", "0: Flink's GREATEST and LEAST give NULL where one of the values is"},
    {"d / 3", "2: a DECIMAL divided has other digits in Flink"},
    {"d * d * d * d", "10: a DECIMAL of 40 digits has fewer in Flink"},
    {"f::bigint", "1: DOUBLE to BIGINT is converted otherwise by Flink"},
    {"ts::varchar", "2: TIMESTAMP to VARCHAR is converted otherwise by Flink"},
    {"ts - ts", "3: TIMESTAMP - TIMESTAMP has no exact counterpart in Flink"},
    {"round(f)", "0: function round() has no exact counterpart in Flink"},
    {"left(t, -1)", "0: left() of these arguments has no exact counterpart in Flink"},
    {"split_part(t, '/', -1)",
     "0: split_part() has a counterpart in Flink only with a separator and a number above 0 that are constants"},
    {"t ilike 'a%'", "2: ilike has no counterpart in Flink"},
    {"t like 'a\\%'", "7: Flink escapes in patterns otherwise"},
    {"t ~ '(ab|cd)'", "4: this regular expression may match otherwise in Flink"},
    {"to_char(ts, 'Day')", "12: a part of this pattern has no counterpart in Flink"},
    {"extract(epoch from ts)", "0: extract() of 'epoch' has no exact counterpart in Flink"},
    {"ts + interval '1 microsecond'", "3: Flink has no counterpart of this constant of type INTERVAL"},
    {"n & 1", "2: operator & has no counterpart in Flink"},
    {"t similar to 'a'", "2: SIMILAR TO has no exact counterpart in Flink"},
};

BOOST_AUTO_TEST_SUITE(flink_expressions)

BOOST_DATA_TEST_CASE(are_translated, boost::unit_test::data::make(kTranslated), one) {
  try {
    BOOST_TEST(translated(one.here) == one.there);
  } catch (const Failure& failure) { BOOST_ERROR(failure.message); }
}

BOOST_DATA_TEST_CASE(are_refused_with_their_place, boost::unit_test::data::make(kRefused), one) {
  BOOST_TEST(refusal(one.here) == one.there);
}

BOOST_AUTO_TEST_CASE(every_function_of_the_table_is_one_here) {
  const std::vector<std::string> names = expression::function_names();
  for (const FunctionRow& row : function_rows())
    BOOST_TEST((std::ranges::find(names, row.name) != names.end()), row.name << "() is no function");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::flink
