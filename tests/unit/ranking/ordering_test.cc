#include "stages/kit/ordering.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

#include "stages/kit/batch_groups.h"

using namespace stream;

namespace {

const Schema kSchema =
    *parse_schema("n bigint, x double, t varchar, d date, p decimal(10,2), j json, \"Odd name\" bigint");

std::string parsed(std::string_view text) {
  PlanError error;
  const auto ordering = parse_ordering(text, kSchema, "order", &error);
  return ordering ? to_string(*ordering, kSchema) : std::to_string(error.offset) + ": " + error.message;
}

// The rows of a column in the order its keys say.
std::vector<std::uint32_t> sorted(const Column& column, bool descending, bool nulls_first) {
  ByteBuilder numbers;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(column.size()); ++i) numbers.append_value(i);
  OrderKeys keys;
  const OrderColumn order{0, descending, nulls_first};
  keys.make({&order, 1}, {&column, 1}, Column(kBigint, column.size(), {}, numbers.finish()));
  std::vector<std::uint32_t> rows(column.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::sort(rows, [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });
  return rows;
}

template <class T>
void check_order(Type type, const std::vector<T>& ascending) {
  ColumnBuilder builder(type);
  builder.append_null();
  for (const T& value : ascending) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      builder.append_bytes(value);
    } else {
      builder.append(value);
    }
  }
  const Column column = builder.finish();
  std::vector<std::uint32_t> wanted(ascending.size());
  std::iota(wanted.begin(), wanted.end(), 1U);
  std::vector<std::uint32_t> first = wanted;
  first.insert(first.begin(), 0);
  BOOST_TEST(sorted(column, false, true) == first, boost::test_tools::per_element());
  std::ranges::reverse(wanted);
  wanted.push_back(0);
  BOOST_TEST(sorted(column, true, false) == wanted, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ordering)

BOOST_AUTO_TEST_CASE(texts_are_read_as_order_by_is) {
  BOOST_TEST(parsed("n") == "n");
  BOOST_TEST(parsed(" N desc , x asc") == "n desc, x");
  BOOST_TEST(parsed("n desc nulls last, t nulls first") == "n desc nulls last, t nulls first");
  BOOST_TEST(parsed("n desc nulls first") == "n desc");
  BOOST_TEST(parsed("\"Odd name\" desc") == "Odd name desc");
  BOOST_TEST(parsed("m") == "0: no column 'm'");
  BOOST_TEST(parsed("n,") == "0: a column is missing");
  BOOST_TEST(parsed("n down") == "2: 'down' is not expected here");
  BOOST_TEST(parsed("n nulls") == "0: 'nulls' needs 'first' or 'last' behind it");
  BOOST_TEST(parsed("x, j") == "3: JSON has no order here");
  BOOST_TEST(parsed("\"n") == "0: the double quote is not closed");
}

BOOST_AUTO_TEST_CASE(keys_of_every_type_compare_as_the_values_do) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  check_order<std::int64_t>(kBigint, {INT64_MIN, -256, -255, -1, 0, 1, 255, 256, INT64_MAX});
  check_order<double>(kDouble, {-kInfinity, -1e300, -1.5, -1e-300, 0.0, 1e-300, 1.5, kInfinity,
                                std::numeric_limits<double>::quiet_NaN()});
  check_order<std::string_view>(kVarchar, {"", std::string_view("\0", 1), std::string_view("\0a", 2), "a",
                                           std::string_view("a\0", 2), std::string_view("a\0b", 3), "aa", "b", "\xff"});
  check_order<std::int32_t>(kDate, {INT32_MIN, -1, 0, 1, INT32_MAX});
  check_order<Decimal>(decimal_type(38, 2), {-(Decimal{1} << 120), -1, 0, 1, Decimal{1} << 120});
  check_order<std::uint8_t>(kBoolean, {0, 1});
}

BOOST_AUTO_TEST_CASE(equal_values_keep_the_order_they_came_in) {
  ColumnBuilder builder(kBigint);
  for (const std::int64_t value : {5, 5, 4, 5}) builder.append(value);
  BOOST_TEST(sorted(builder.finish(), true, true) == std::vector<std::uint32_t>({0, 1, 3, 2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(rows_of_a_batch_are_grouped_by_key_with_null_as_a_key) {
  ColumnBuilder a(kBigint);
  ColumnBuilder b(kDouble);
  for (int i = 0; i < 6; ++i) {
    if (i % 3 == 2) {
      a.append_null();
    } else {
      a.append(std::int64_t{i % 3});
    }
    b.append(i < 3 ? 0.0 : -0.0);
  }
  const Batch batch{nullptr, 6, {a.finish(), b.finish()}, {}};
  const std::size_t columns[] = {0, 1};
  BatchGroups groups;
  groups.make(batch, columns);
  BOOST_REQUIRE(groups.count() == 3);
  for (std::size_t row = 0; row < 6; ++row) BOOST_TEST(groups.of(row) == row % 3);
}

BOOST_AUTO_TEST_SUITE_END()
