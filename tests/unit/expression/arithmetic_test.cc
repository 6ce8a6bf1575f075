#include <boost/test/unit_test.hpp>

#include "tests/unit/expression/support.h"

using namespace stream;
using namespace stream::test;

namespace {
using Texts = std::vector<std::string>;
}

BOOST_AUTO_TEST_SUITE(arithmetic)

BOOST_AUTO_TEST_CASE(precedence_and_signs_are_postgresqls) {
  BOOST_TEST(value("2 + 3 * 4") == "14");
  BOOST_TEST(value("(2 + 3) * 4") == "20");
  BOOST_TEST(value("-7 / 2") == "-3");
  BOOST_TEST(value("-7 % 3") == "-1");
  BOOST_TEST(value("- 2 ^ 2") == "4");
  BOOST_TEST(value("3 - -(-(5))") == "-2");
  BOOST_TEST(value("-0") == "0");
  BOOST_TEST(value("7 & 3 | 8") == "11");
  BOOST_TEST(value("1 << 4") == "16");
}

BOOST_AUTO_TEST_CASE(bigint_overflow_and_division_by_zero_are_row_errors) {
  const Batch batch = batch_of(
      "a bigint, b bigint", {{"9223372036854775807", "1"}, {"1", "0"}, {"-9223372036854775808", "-1"}, {"\\N", "0"}});
  const Texts sums = {"ERROR bigint out of range", "1", "ERROR bigint out of range", "NULL"};
  BOOST_TEST(values("a + b", batch) == sums, boost::test_tools::per_element());
  const Texts quotients = {"9223372036854775807", "ERROR division by zero", "ERROR bigint out of range", "NULL"};
  BOOST_TEST(values("a / b", batch) == quotients, boost::test_tools::per_element());
  const Texts rests = {"0", "ERROR division by zero", "0", "NULL"};
  BOOST_TEST(values("a % b", batch) == rests, boost::test_tools::per_element());
  const Texts negated = {"-9223372036854775807", "-1", "ERROR bigint out of range", "NULL"};
  BOOST_TEST(values("-a", batch) == negated, boost::test_tools::per_element());
  const Texts products = {"9223372036854775807", "0", "ERROR bigint out of range", "NULL"};
  BOOST_TEST(values("a * b", batch) == products, boost::test_tools::per_element());
  BOOST_TEST(value("1 / 0") == "ERROR division by zero");
}

BOOST_AUTO_TEST_CASE(a_constant_divisor_that_is_safe_makes_the_expression_total) {
  const Schema schema = *parse_schema("a bigint");
  BOOST_TEST(Expression::compile("a / 2", schema, nullptr)->total());
  BOOST_TEST(!Expression::compile("a / -1", schema, nullptr)->total());
  BOOST_TEST(!Expression::compile("a + 1", schema, nullptr)->total());
  BOOST_TEST(Expression::compile("a > 1", schema, nullptr)->total());
}

BOOST_AUTO_TEST_CASE(decimals_keep_their_scale_and_round_half_away_from_zero) {
  BOOST_TEST(value("1.10 + 2.2") == "3.30");
  BOOST_TEST(value("1.5 * 1.25") == "1.875");
  BOOST_TEST(value("1 / 3.0") == "0.3333333333333333");
  BOOST_TEST(value("5.5 % 2") == "1.5");
  BOOST_TEST(value("round(2.5)") == "3");
  BOOST_TEST(value("round(-2.5)") == "-3");
  BOOST_TEST(value("round(2.345, 2)") == "2.35");
  BOOST_TEST(value("round(2345, -2)") == "2300");
  BOOST_TEST(value("trunc(-2.99, 1)") == "-2.9");
  BOOST_TEST(value("floor(-2.1)") == "-3");
  BOOST_TEST(value("ceil(-2.1)") == "-2");
  BOOST_TEST(value("1.0 / 0") == "ERROR division by zero");
  BOOST_TEST(value("99999999999999999999999999999999999999 + 1") == "ERROR decimal out of range");
  BOOST_TEST(value("99999999999999999999999999999999999999 + 99999999999999999999999999999999999999") ==
             "ERROR decimal out of range");
  BOOST_TEST(value("10000000000000000000 * 10000000000000000000.0") == "ERROR decimal out of range");
  BOOST_TEST(value("12345678901234567890 * 1.5") == "18518518351851851835.0");
}

BOOST_AUTO_TEST_CASE(doubles_overflow_as_errors_and_print_shortest) {
  BOOST_TEST(value("1e300::double * 1e300::double") == "ERROR double out of range");
  BOOST_TEST(value("0.1::double + 0.2::double") == "0.30000000000000004");
  BOOST_TEST(value("1e20::double") == "1e+20");
  BOOST_TEST(value("1e-5::double") == "1e-05");
  BOOST_TEST(value("100000::double") == "100000");
  BOOST_TEST(value("'NaN'::double = 'NaN'::double") == "true");
  BOOST_TEST(value("'NaN'::double > 1e300::double") == "true");
  BOOST_TEST(value("round(0.5::double)") == "0");
  BOOST_TEST(value("2 ^ 10") == "1024");
}

BOOST_AUTO_TEST_CASE(the_wider_type_wins) {
  BOOST_TEST(type("1 + 1") == "BIGINT");
  BOOST_TEST(type("1 + 1.5") == "DECIMAL(21,1)");
  BOOST_TEST(type("1.5 + 1::double") == "DOUBLE");
  BOOST_TEST(type("sqrt(4)") == "DOUBLE");
  BOOST_TEST(type("12345678901234567890") == "DECIMAL(20,0)");
  BOOST_TEST(type("round(1.234, 2)") == "DECIMAL(4,2)");
  BOOST_TEST(value("'5' + 1") == "6");
  BOOST_TEST(value("1 = 1.0") == "true");
  BOOST_TEST(value("2 > 1.5") == "true");
}

BOOST_AUTO_TEST_CASE(a_bigint_column_compares_with_fractions) {
  const Batch batch = batch_of("a bigint", {{"1"}, {"2"}, {"-2"}, {"-1"}, {"\\N"}});
  for (const char* op : {"<", "<=", ">", ">=", "=", "<>"}) {
    for (const char* bound : {"1.5", "-1.5", "2.0", "0.1"}) {
      const std::string narrow = std::string("a ") + op + " " + bound;
      const std::string wide = std::string("a::decimal(30,1) ") + op + " " + bound;
      BOOST_TEST_CONTEXT(narrow)
      BOOST_TEST(values(narrow, batch) == values(wide, batch), boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(numeric_functions_compute) {
  BOOST_TEST(value("abs(-5)") == "5");
  BOOST_TEST(value("abs(-5.5)") == "5.5");
  BOOST_TEST(value("sign(-3)") == "-1");
  BOOST_TEST(value("mod(7, 3)") == "1");
  BOOST_TEST(value("div(7.5, 2)") == "3");
  BOOST_TEST(value("power(2, 3)") == "8");
  BOOST_TEST(value("ln(0)") == "ERROR logarithm of zero");
  BOOST_TEST(value("sqrt(-1)") == "ERROR square root of a negative number");
  BOOST_TEST(value("log(100)") == "2");
  BOOST_TEST(value("log10(1000)") == "3");
  BOOST_TEST(value("width_bucket(5.35, 0.024, 10.06, 5)") == "3");
  BOOST_TEST(value("round(1.005::double, 1)") == "1");
  BOOST_TEST(value("greatest(1, 2.5, 2)") == "2.5");
  BOOST_TEST(value("least(null, 3, 2)") == "2");
}

BOOST_AUTO_TEST_SUITE_END()
