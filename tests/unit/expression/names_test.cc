#include <boost/test/unit_test.hpp>

#include "tests/unit/expression/support.h"

using namespace stream;
using namespace stream::test;

namespace {

constexpr char kSchema[] =
    "status bigint, host varchar, \"User\" varchar, \"order\" bigint, payload json, current_date bigint, d date";

std::string joined_error(const char* text) {
  const Schema schema{{{"id", kBigint}, {"ts", kTimestamp}, {"id", kBigint}, {"ts", kTimestamp}}, {}, {}, {}};
  const std::vector<InputColumns> inputs = {{"o", 0, 2}, {"p", 2, 2}};
  ExpressionError error;
  const auto expression = Expression::compile(text, schema, &error, inputs);
  return expression != nullptr ? ""
                               : "@" + std::to_string(error.offset) + " " + error.message + " (" + error.hint + ")";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(names)

BOOST_AUTO_TEST_CASE(a_wrong_name_is_reported_at_its_place_with_the_nearest_one) {
  BOOST_TEST(error("1 + statsu", kSchema) == "@4 no column 'statsu' (did you mean 'status'?)");
  BOOST_TEST(error("'ä' = statsu", kSchema) == "@7 no column 'statsu' (did you mean 'status'?)");
  BOOST_TEST(error("lenght(host)", kSchema) == "@0 no function lenght() (did you mean 'length'?)");
  BOOST_TEST(error("host = \"abc\"", kSchema) == "@7 no column 'abc' (a text is written in single quotes)");
}

BOOST_AUTO_TEST_CASE(names_match_exactly_first_then_without_case) {
  BOOST_TEST(error("STATUS + Status", kSchema) == "");
  BOOST_TEST(error("\"STATUS\"", kSchema) ==
             "@0 no column 'STATUS' (names in double quotes match exactly: \"status\")");
  BOOST_TEST(error("A", "a bigint, \"A\" bigint") == "");
  BOOST_TEST(error("A", "\"aA\" bigint, \"Aa\" bigint") == "@0 no column 'A' (did you mean 'aA'?)");
  BOOST_TEST(error("AA", "\"aA\" bigint, \"Aa\" bigint") == "@0 column 'AA' is ambiguous (write \"aA\" or \"Aa\")");
}

BOOST_AUTO_TEST_CASE(a_column_wins_over_sqls_special_values) {
  BOOST_TEST(error("user = 'bob'", kSchema) == "");
  BOOST_TEST(error("current_date + 1 > 0", kSchema) == "");
  BOOST_TEST(error("user", "a bigint") == "@0 no column 'user'");
  BOOST_TEST(type("current_date") == "DATE");
  BOOST_TEST(type("current_timestamp") == "TIMESTAMP");
}

BOOST_AUTO_TEST_CASE(a_reserved_name_gets_the_advice_to_quote_it) {
  BOOST_TEST(error("order > 1", kSchema) == "@0 'order' is a reserved word (write \"order\" in double quotes)");
  BOOST_TEST(error("\"order\" > 1", kSchema) == "");
  BOOST_TEST(error("status >", kSchema) == "@8 syntax error at end of input");
  BOOST_TEST(error("5xx > 1", "\"5xx\" bigint").ends_with("(write \"5xx\" in double quotes)"));
  BOOST_TEST(error("status > 1 and order > 1", kSchema) ==
             "@15 'order' is a reserved word (write \"order\" in double quotes)");
}

BOOST_AUTO_TEST_CASE(syntax_errors_have_a_place) {
  BOOST_TEST(error("status + ", kSchema) == "@9 syntax error at end of input");
  BOOST_TEST(error("'äö' + )", kSchema) == "@9 syntax error at or near \")\"");
  BOOST_TEST(error("", kSchema) == "@0 the expression is empty");
  BOOST_TEST(error("-- nothing", kSchema) == "@0 the expression is empty");
  BOOST_TEST(error("status, host", kSchema) == "@8 one expression is expected, not a list");
  BOOST_TEST(error("status from t", kSchema) ==
             "@0 an expression is expected, not a query (FROM, WHERE, GROUP BY and the like are stages of their own)");
  BOOST_TEST(error("1; select 2", kSchema) == "@1 one expression is expected, not several statements");
  BOOST_TEST(error("(select 1)", kSchema) == "@0 subqueries are not supported (join the streams first)");
  BOOST_TEST(error("$1", kSchema) == "@0 parameters like $1 are not supported");
}

BOOST_AUTO_TEST_CASE(type_errors_say_what_to_do) {
  BOOST_TEST(error("host + status", kSchema) ==
             "@5 operator does not exist: VARCHAR + BIGINT (convert one side: (…)::bigint, or join texts with ||)");
  BOOST_TEST(error("host > 5", kSchema) ==
             "@5 operator does not exist: VARCHAR > BIGINT (convert one side: (…)::bigint)");
  BOOST_TEST(error("status > 'abc'", kSchema) == "@9 'abc' is not a BIGINT");
  BOOST_TEST(error("d > '2026-13-01'", kSchema) == "@4 '2026-13-01' is not a DATE (write it as '2026-01-31')");
  BOOST_TEST(error("status and true", kSchema) ==
             "@0 AND needs a BOOLEAN, not BIGINT (compare it with something, as in x <> 0)");
  BOOST_TEST(error("lower(status)", kSchema) == "@0 no function lower(BIGINT) (there is lower(VARCHAR))");
  BOOST_TEST(error("status::bigit", kSchema) == "@8 unknown type 'bigit' (did you mean 'BIGINT'?)");
  BOOST_TEST(error("case when true then 1 else host end", kSchema) ==
             "@27 CASE types BIGINT and VARCHAR do not match (convert one of them: (…)::bigint)");
  BOOST_TEST(error("count(*)", kSchema) ==
             "@0 aggregate count() is not allowed here (aggregates belong into the stage aggregate)");
  BOOST_TEST(error("host ~ '('", kSchema).starts_with("@7 invalid regular expression: missing )"));
}

BOOST_AUTO_TEST_CASE(a_dot_means_an_input_or_a_json_field) {
  BOOST_TEST(error("payload.user = 'bob'", kSchema) == "");
  BOOST_TEST(error("payload.a.b", kSchema) == "");
  BOOST_TEST(error("host.a", kSchema) == "@0 '.a' needs an input or a JSON column before it, not VARCHAR");
  BOOST_TEST(joined_error("o.id = p.id and p.ts between o.ts and o.ts + interval '10 minutes'") == "");
  BOOST_TEST(joined_error("id = 1") == "@0 column 'id' is ambiguous (write o.id or p.id)");
  BOOST_TEST(joined_error("o.tz = 1") == "@0 no column 'tz' (did you mean 'ts'?)");
}

BOOST_AUTO_TEST_CASE(too_much_nesting_is_refused) {
  std::string deep(2000, '(');
  deep += "1" + std::string(2000, ')');
  BOOST_TEST(error(deep, kSchema).ends_with("expression is nested too deeply (the limit is 1000 levels)"));
  std::string sum = "1";
  for (int i = 0; i < 5000; ++i) sum += "+1";
  BOOST_TEST(error(sum, kSchema).ends_with("expression is nested too deeply (the limit is 1000 levels)"));
  std::string many = "true";
  for (int i = 0; i < 5000; ++i) many += " and true";
  BOOST_TEST(error(many, kSchema) == "");
}

BOOST_AUTO_TEST_CASE(columns_used_are_known) {
  const Schema schema = *parse_schema(kSchema);
  const auto expression = Expression::compile("host = 'a' or status > 1 and host <> 'b'", schema, nullptr);
  const std::vector<std::size_t> expected = {0, 1};
  BOOST_TEST(expression->columns() == expected, boost::test_tools::per_element());
  BOOST_TEST(expression->deterministic());
  BOOST_TEST(!Expression::compile("random() > 0.5", schema, nullptr)->deterministic());
  BOOST_TEST(!Expression::compile("now() > '2026-01-01'", schema, nullptr)->deterministic());
}

BOOST_AUTO_TEST_SUITE_END()
