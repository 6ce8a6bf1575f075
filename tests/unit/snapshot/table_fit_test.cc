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
  std::vector<std::string> whys;
  for (const TableMisfit& misfit : fit_table(kept, wanted).misfits) whys.push_back(misfit.why);
  return whys;
}

using Lines = std::vector<std::string>;

std::vector<std::size_t> columns(const TableFit& fit) {
  std::vector<std::size_t> kept;
  for (const ColumnOrigin& origin : fit.columns) kept.push_back(origin.kept);
  return kept;
}

TableEvolution changing(std::vector<ColumnEvolution> columns) { return {"totals", false, std::move(columns)}; }

// Knows "double", "text" and one column.
class FewWords final : public RowLanguage {
 public:
  class Twice final : public RowFunction {
   public:
    explicit Twice(Type type) : type_(type) {}
    Type type() const override { return type_; }
    bool total() const override { return false; }
    std::vector<std::size_t> columns() const override { return {1}; }
    Result<Column> compute(const Batch& rows) const override { return null_column(type_, rows.rows); }

   private:
    Type type_;
  };

  Result<std::shared_ptr<const RowFunction>> compile(std::string_view text, const Schema&) const override {
    if (text == "wrong") return usage_error("no column 'wrong'");
    const std::size_t as = text.rfind(" as ");
    if (as == std::string_view::npos) return std::shared_ptr<const RowFunction>(std::make_shared<Twice>(kBigint));
    const auto type = parse_type(text.substr(as + 4, text.size() - as - 5));
    return std::shared_ptr<const RowFunction>(std::make_shared<Twice>(*type));
  }
};

TableFit fit(const TableSpec& kept, const TableSpec& wanted, std::vector<ColumnEvolution> entries = {}) {
  static const FewWords language;
  return fit_table(kept, wanted, changing(std::move(entries)), &language);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(table_fit)

BOOST_AUTO_TEST_CASE(an_equal_table_fits_column_by_column) {
  const TableFit fit = fit_table(totals(), totals());
  BOOST_TEST(fit.misfits.empty());
  BOOST_TEST(fit.added.empty());
  BOOST_TEST(columns(fit) == std::vector<std::size_t>({0, 1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(columns_are_found_by_what_they_mean_even_if_renamed_or_swapped) {
  TableSpec wanted = totals();
  wanted.value[0].name = "requests";
  BOOST_TEST(columns(fit_table(totals(), wanted)) == std::vector<std::size_t>({0, 1, 2}),
             boost::test_tools::per_element());
  wanted = totals();
  std::swap(wanted.value[0].name, wanted.value[1].name);
  BOOST_TEST(columns(fit_table(totals(), wanted)) == std::vector<std::size_t>({0, 1, 2}),
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
  BOOST_TEST(fit.columns[2].begins());
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

BOOST_AUTO_TEST_CASE(a_type_widens_by_itself_only_where_no_value_is_lost) {
  BOOST_TEST(widens(kBigint, decimal_type(19, 0)));
  BOOST_TEST(!widens(kBigint, decimal_type(19, 1)));
  BOOST_TEST(!widens(kBigint, kDouble));
  BOOST_TEST(widens(decimal_type(10, 2), decimal_type(12, 4)));
  BOOST_TEST(!widens(decimal_type(10, 2), decimal_type(12, 5)));
  BOOST_TEST(!widens(decimal_type(10, 2), decimal_type(20, 1)));
  BOOST_TEST(widens(kJson, kVarchar));
  BOOST_TEST(!widens(kVarchar, kJson));
  TableSpec wanted = totals();
  wanted.value[1].type = decimal_type(38, 2);
  const TableFit wide = fit(totals(), wanted);
  BOOST_TEST(wide.fits());
  BOOST_TEST(wide.computes());
  BOOST_TEST(wide.changes == Lines({"column 'slowest' was BIGINT and is DECIMAL(38,2) now"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_renamed_column_is_renamed_in_definitions_and_keys) {
  TableSpec wanted = totals();
  wanted.key[0].name = "server";
  wanted.definitions[1] = "max(latency)";
  BOOST_TEST(!fit(totals(), wanted).fits());
  const TableFit known = fit(totals(), wanted, {{"server", "host", false, "", {}}, {"latency", "ms", false, "", {}}});
  BOOST_TEST(known.fits());
  BOOST_TEST(columns(known) == std::vector<std::size_t>({0, 1, 2}), boost::test_tools::per_element());
  BOOST_TEST(known.matched == std::vector<bool>({true, true}), boost::test_tools::per_element());
  // A name within quotes or that of a function is no column.
  TableSpec odd = totals();
  odd.definitions = {"ms(ms, 'ms', \"ms\", ms2)", ""};
  BOOST_TEST(renamed(odd, {{"t", "ms", false, "", {}}}).definitions[0] == "ms(t, 'ms', \"t\", ms2)");
}

BOOST_AUTO_TEST_CASE(a_rename_does_not_change_what_a_column_means) {
  TableSpec wanted = totals();
  wanted.value[1].name = "fastest";
  wanted.definitions[1] = "min(ms)";
  BOOST_TEST(!fit(totals(), wanted, {{"fastest", "slowest", false, "", {}}}).fits());
  const TableFit said = fit(totals(), wanted, {{"fastest", "", false, "slowest", {}}, {"slowest", "", true, "", {}}});
  BOOST_TEST(said.fits());
  BOOST_TEST(said.computes());
}

BOOST_AUTO_TEST_CASE(what_a_conversion_reads_is_not_lost) {
  TableSpec wanted = totals();
  wanted.value[0] = {"many", kDouble};
  wanted.definitions[0] = "sum(1.0)";
  BOOST_TEST(fit(totals(), wanted, {{"many", "", false, "cast(n as DOUBLE)", {}}}).fits());
  // Nor is it taken away from a column of its own.
  TableSpec both = totals();
  both.add_value({"twice", kBigint}, "twice(n)");
  const TableFit read_twice = fit(totals(), both, {{"twice", "", false, "n", {}}});
  BOOST_TEST(columns(read_twice) == std::vector<std::size_t>({0, 1, 2, SIZE_MAX}), boost::test_tools::per_element());
  const TableFit other = fit(totals(), wanted, {{"many", "", false, "n", {}}});
  BOOST_TEST_REQUIRE(other.misfits.size() == 2u);  // n is not read then
  BOOST_TEST(other.misfits[0].why == "column 'many' is DOUBLE, but 'n' gives BIGINT");
  BOOST_TEST(other.misfits[0].convert == "cast(n as DOUBLE)");
  const TableFit wrong = fit(totals(), wanted, {{"many", "", false, "wrong", {}}});
  BOOST_TEST(wrong.misfits[0].why == "column 'many': no column 'wrong'");
  BOOST_TEST(!fit(totals(), totals(), {{"host", "", false, "upper(host)", {}}}).fits());
}

BOOST_AUTO_TEST_CASE(a_column_is_dropped_or_begins_otherwise_only_where_it_is_said) {
  TableSpec wanted = totals();
  wanted.value[1] = {"total", kBigint};
  wanted.definitions[1] = "sum(ms)";
  BOOST_TEST(!fit(totals(), wanted).fits());
  const TableFit dropped = fit(totals(), wanted, {{"slowest", "", true, "", {}}, {"total", "", false, "", "7"}});
  BOOST_TEST(dropped.fits());
  BOOST_TEST(dropped.columns[2].function != nullptr);
  BOOST_TEST(dropped.added.empty());
  BOOST_TEST(!fit(totals(), wanted, {{"host", "", true, "", {}}}).fits());
  // A default for what has its values says nothing, nor does an entry for what is not there.
  const TableFit idle = fit(totals(), totals(), {{"n", "", false, "", "7"}, {"x", "", true, "", {}}});
  BOOST_TEST(idle.fits());
  BOOST_TEST(idle.matched == std::vector<bool>({false, false}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(how_long_rows_are_known_may_change) {
  TableSpec kept = totals();
  TableSpec wanted = totals();
  kept.definition = "keys seen, known for 1h";
  wanted.definition = "keys seen, known for 2h";
  BOOST_TEST(
      fit(kept, wanted).notes == Lines({"it was known for 1h and is known for 2h now, which holds from here on"}),
      boost::test_tools::per_element());
  wanted.definition = "latest row, known for 2h";
  BOOST_TEST(!fit(kept, wanted).fits());
  wanted.definition = "keys seen";
  BOOST_TEST(!fit(kept, wanted).fits());
}

BOOST_AUTO_TEST_CASE(an_evolution_is_told_as_json) {
  const StageEvolution evolution{
      "then",
      true,
      {{"a", {"b", false, {{"x", "y", false, "", {}}, {"z", "", true, "", "0"}, {"c", "", false, "x", {}}}}},
       {"d", {"", true, {}}}}};
  const auto read = stage_evolution_from_json(to_json(evolution));
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((*read == evolution));
  BOOST_TEST(!stage_evolution_from_json("{}").ok());
  BOOST_TEST(evolution.kept_name("b") == "a");
  BOOST_TEST(evolution.kept_name("a").empty());
  BOOST_TEST(evolution.kept_name("other") == "other");
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
