// Whether kept rows can be given to a table as it is wanted now: what fit_table() finds.
#include "snapshot/table_fit.h"

#include <boost/test/unit_test.hpp>

namespace stream {
namespace {

TableSpec totals() {
  TableSpec spec;
  spec.name = "totals";
  spec.key = {{"host", kVarchar}};
  spec.add_value({"n", kBigint}, "count(*)");
  spec.add_value({"slowest", kBigint}, "max(ms)");
  return spec;
}

std::vector<std::string> misfits(const TableSpec& kept, const TableSpec& wanted) {
  return fit_table(kept, wanted).misfits;
}

using Lines = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(table_fit)

BOOST_AUTO_TEST_CASE(an_equal_table_fits_column_by_column) {
  const TableFit fit = fit_table(totals(), totals());
  BOOST_TEST(fit.misfits.empty());
  BOOST_TEST(fit.added.empty());
  BOOST_TEST(fit.columns == std::vector<std::size_t>({0, 1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(columns_are_found_by_what_they_mean_even_if_renamed_or_swapped) {
  TableSpec wanted = totals();
  wanted.value[0].name = "requests";
  BOOST_TEST(fit_table(totals(), wanted).columns == std::vector<std::size_t>({0, 1, 2}),
             boost::test_tools::per_element());
  wanted = totals();
  std::swap(wanted.value[0].name, wanted.value[1].name);
  BOOST_TEST(fit_table(totals(), wanted).columns == std::vector<std::size_t>({0, 1, 2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_column_that_means_something_else_does_not_fit) {
  TableSpec wanted = totals();
  wanted.definitions[0] = "sum(ms)";
  BOOST_TEST(misfits(totals(), wanted) == Lines({"column 'n' was count(*) and is sum(ms) now"}),
             boost::test_tools::per_element());
  wanted = totals();
  wanted.value[1].type = kDouble;
  BOOST_TEST(misfits(totals(), wanted) == Lines({"column 'slowest' was BIGINT and is DOUBLE now"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_column_that_is_gone_would_be_lost_and_a_new_one_begins_empty) {
  TableSpec wanted = totals();
  wanted.value.pop_back();
  wanted.definitions.pop_back();
  BOOST_TEST(misfits(totals(), wanted) == Lines({"column 'slowest', max(ms), would be lost"}),
             boost::test_tools::per_element());
  const TableFit fit = fit_table(wanted, totals());
  BOOST_TEST(fit.misfits.empty());
  BOOST_TEST(fit.added == Lines({"slowest"}), boost::test_tools::per_element());
  BOOST_TEST(fit.columns[2] == TableFit::kNone);
}

BOOST_AUTO_TEST_CASE(a_table_of_other_rows_does_not_fit) {
  TableSpec wanted = totals();
  wanted.key.push_back({"path", kVarchar});
  BOOST_TEST(misfits(totals(), wanted) == Lines({"its key was (host VARCHAR) and is (host VARCHAR, path VARCHAR) now"}),
             boost::test_tools::per_element());
  wanted = totals();
  wanted.distribution = Distribution::kSplit;
  BOOST_TEST(misfits(totals(), wanted) == Lines({"its distribution was keyed and is split now"}),
             boost::test_tools::per_element());
  wanted = totals();
  wanted.definition = "tumble 1m of ts";
  BOOST_TEST(misfits(totals(), wanted) == Lines({"it was nothing and is tumble 1m of ts now"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(columns_without_a_definition_are_found_by_name) {
  TableSpec kept = totals();
  kept.definitions.clear();
  BOOST_TEST(misfits(kept, totals()).empty());
}

BOOST_AUTO_TEST_CASE(definitions_stand_in_the_json_of_a_table) {
  TableSpec spec = totals();
  spec.definition = "tumble 1m of ts";
  spec.value.push_back({"plain", kBigint});
  const auto read = spec_from_json(spec_to_json(spec));
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((*read == spec));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stream
