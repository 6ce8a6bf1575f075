#include "stages/match/match_values.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

#include "stages/expression/decimal.h"

using namespace stream;

namespace {

// One column kept of each row.
class Rows final : public MatchRows {
 public:
  explicit Rows(std::vector<Cell> cells) : cells_(std::move(cells)) {}
  Cell cell(std::int64_t row, std::size_t /*kept*/) const override {
    return row < 0 ? Cell() : cells_[static_cast<std::size_t>(row)];
  }
  std::size_t size() const { return cells_.size(); }

 private:
  std::vector<Cell> cells_;
};

const std::vector<std::string> kVariables = {"A", "B"};

// What a measure over column x gives of these rows, all of which match A.
struct Measured {
  Measured(const std::string& text, Type type, std::vector<Cell> cells) {
    Schema schema{.fields = {{"x", type}, {"ts", kTimestamp}}, .time = 1, .key = {}};
    const SelectText item{"m", text};
    PatternError error;
    const auto expressions = compile_pattern_expressions({kVariables, {}, {&item, 1}}, schema, &error);
    BOOST_REQUIRE_MESSAGE(expressions, text << ": " << error.error.message);
    const Rows rows(std::move(cells));
    const MatchValues values(*expressions, kVariables, {0});
    MatchHistory history = values.begin();
    for (std::uint32_t row = 0; row < rows.size(); ++row) values.add(history, rows, row, 0);
    ColumnBuilder builder(expressions->values[0].type);
    const char* why = values.append(history, rows, 0, builder);
    reason = why == nullptr ? "" : why;
    column = builder.finish();
  }
  bool null() const { return !column.valid(0); }
  template <class T>
  T value() const {
    BOOST_REQUIRE(column.valid(0));
    return column.value<T>(0);
  }

  Column column;
  std::string reason;
};

const Cell kNull;

std::vector<Cell> bigints(std::initializer_list<std::int64_t> values) { return {values.begin(), values.end()}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(match_values)

BOOST_AUTO_TEST_CASE(numbers_are_added_as_sql_adds_them) {
  BOOST_TEST(Measured("sum(A.x)", kBigint, {std::int64_t{3}, kNull, std::int64_t{4}}).value<std::int64_t>() == 7);
  BOOST_TEST(Measured("count(A.x)", kBigint, {std::int64_t{3}, kNull}).value<std::int64_t>() == 1);
  BOOST_TEST(Measured("count(A.*)", kBigint, {std::int64_t{3}, kNull}).value<std::int64_t>() == 2);
  BOOST_TEST(Measured("count(B.*)", kBigint, bigints({3})).value<std::int64_t>() == 0);
  BOOST_TEST(Measured("avg(A.x)", kBigint, bigints({3, 4})).value<double>() == 3.5);
  BOOST_TEST(Measured("avg(A.x)", kBigint, bigints({INT64_MAX, INT64_MAX})).value<double>() == 9223372036854775807.0);
  BOOST_TEST(Measured("avg(A.x)", kDouble, {1.0, 2.5}).value<double>() == 1.75);
  const Type money = decimal_type(10, 2);
  const std::vector<Cell> amounts = {Decimal{150}, Decimal{101}, Decimal{50}};
  BOOST_TEST((Measured("sum(A.x)", money, amounts).value<Decimal>() == 301));
  const Decimal average = Measured("avg(A.x)", money, amounts).value<Decimal>();
  BOOST_TEST(expression::to_text(average, 16) == "1.0033333333333333");
  const std::vector<Cell> spans = {Interval{1, 2, 3}, Interval{1, 0, 5}};
  BOOST_TEST((Measured("sum(A.x)", kInterval, spans).value<Interval>() == Interval{2, 2, 8}));
  BOOST_TEST((Measured("avg(A.x)", kInterval, spans).value<Interval>() == Interval{1, 1, 4}));
}

BOOST_AUTO_TEST_CASE(of_nothing_there_is_nothing) {
  for (const char* text : {"sum(A.x)", "avg(A.x)", "min(A.x)", "A.x"}) {
    BOOST_TEST(Measured(text, kBigint, {kNull}).null(), text);
    BOOST_TEST(Measured(text, kBigint, {}).null(), text);
  }
  for (const char* text :
       {"sum(B.x)", "max(B.x)", "first(B.x)", "last(A.x, 2)", "first(A.x, 2)", "prev(A.x, 2)", "prev(first(A.x))"}) {
    BOOST_TEST(Measured(text, kBigint, bigints({1, 2})).null(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_sum_that_does_not_fit_is_an_error) {
  const Measured sum("sum(A.x)", kBigint, bigints({INT64_MAX, 1, -5}));
  BOOST_TEST(sum.null());
  BOOST_TEST(sum.reason == "bigint out of range");
  const Decimal most = expression::power_of_ten(38) - 1;
  BOOST_TEST(Measured("sum(A.x)", decimal_type(38, 0), {most, most}).reason == "decimal out of range");
  BOOST_TEST(Measured("sum(A.x)", kInterval, {Interval{INT32_MAX, 0, 0}, Interval{1, 0, 0}}).reason ==
             "interval out of range");
}

BOOST_AUTO_TEST_CASE(the_least_and_the_most_of_every_type) {
  BOOST_TEST(Measured("min(A.x)", kBigint, bigints({4, -3, 7})).value<std::int64_t>() == -3);
  BOOST_TEST(Measured("max(A.x)", kBigint, {kNull, std::int64_t{-4}, std::int64_t{-3}}).value<std::int64_t>() == -3);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(Measured("min(A.x)", kDouble, {nan, 1.0, -0.5}).value<double>() == -0.5);
  BOOST_TEST(std::isnan(Measured("max(A.x)", kDouble, {1.0, nan, 2.0}).value<double>()));
  BOOST_TEST(Measured("max(A.x)", kVarchar, {std::string_view("b"), std::string_view("ab")}).column.bytes(0) == "b");
  const std::vector<Cell> spans = {Interval{0, 29, 0}, Interval{1, 0, 0}, Interval{0, 31, 0}};
  BOOST_TEST((Measured("max(A.x)", kInterval, spans).value<Interval>() == Interval{0, 31, 0}));
  BOOST_TEST((Measured("max(A.x)", kDate, {std::int32_t{3}, std::int32_t{9}}).value<std::int32_t>() == 9));
}

BOOST_AUTO_TEST_CASE(rows_are_chosen_by_their_place) {
  const std::vector<Cell> rows = bigints({10, 11, 12, 13});
  const auto of = [&](const char* text) { return Measured(text, kBigint, rows).value<std::int64_t>(); };
  BOOST_TEST(of("first(A.x)") == 10);
  BOOST_TEST(of("first(A.x, 2)") == 12);
  BOOST_TEST(of("A.x") == 13);
  BOOST_TEST(of("x") == 13);
  BOOST_TEST(of("last(A.x, 3)") == 10);
  BOOST_TEST(of("prev(A.x, 2)") == 11);
  BOOST_TEST(of("prev(first(A.x, 3), 1)") == 12);
  BOOST_TEST(of("last(A.x * 2, 1)") == 12);  // what is kept of the row stands for the expression
  BOOST_TEST(Measured("classifier()", kBigint, rows).column.bytes(0) == "A");
}

BOOST_AUTO_TEST_SUITE_END()
