// Differences of results, row by row, and figures of two runs.
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "compare/csv_fields.h"
#include "compare/net_rows.h"
#include "compare/performance.h"
#include "compare/result_comparison.h"
#include "transport/base/files.h"

using namespace stream;

namespace {

using nlohmann::json;

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "compare-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

// What was found, a line each: "- 1 x=2", "~ …".
struct Found final : DiffVisitor {
  explicit Found(const ResultDiff& compared) : diff(compared) {}
  static std::string text(const RecordColumns& columns, const ResultRecord& row) {
    std::string out;
    for (const auto& [column, value] : row) out += " " + columns.names[column] + "=" + shown(value);
    return out;
  }
  Status only(Side side, const ResultRecord& row, std::uint64_t times) override {
    lines.push_back((side == Side::kA ? "-" : "+") + text(diff.columns(), row) +
                    (times > 1 ? " x" + std::to_string(times) : ""));
    return {};
  }
  Status differs(const ResultRecord& a, const ResultRecord& b, std::span<const std::size_t> columns,
                 std::uint64_t) override {
    std::string line = "~" + text(diff.columns(), a) + " ->" + text(diff.columns(), b) + " in";
    for (const std::size_t column : columns) line += " " + diff.columns().names[column];
    lines.push_back(line);
    return {};
  }
  const ResultDiff& diff;
  std::vector<std::string> lines;
};

struct Case {
  DiffOptions options = {};
  std::vector<json> a = {};
  std::vector<json> b = {};
  std::uint64_t bytes_max = 1 << 20;
};

std::vector<std::string> compare(const Case& one, DiffCounts* counts = nullptr) {
  const Folder folder;
  const std::vector<std::string> names = {"k", "x", "y"};
  ResultDiff diff(one.options, folder.path, one.bytes_max);
  BOOST_REQUIRE(diff.announce({names, names}).ok());
  for (const Side side : kSides) {
    for (const json& row : side == Side::kA ? one.a : one.b) {
      std::vector<ResultValue> values;
      for (const std::string& name : names) values.push_back(json_value(row.value(name, json())));
      BOOST_REQUIRE(diff.add(side, names, values, row.value("times", 1)).ok());
    }
  }
  Found found(diff);
  const auto first = diff.finish(found);
  BOOST_REQUIRE(first.ok());
  Found again(diff);
  const auto second = diff.finish(again);  // nothing is used up
  BOOST_REQUIRE(second.ok());
  BOOST_TEST(found.lines == again.lines);
  BOOST_TEST(second->only_a == first->only_a);
  if (counts != nullptr) *counts = *first;
  return found.lines;
}

using Lines = std::vector<std::string>;

ResultValue there_and_back(const ResultValue& value) {
  std::string bytes;
  append_value(bytes, value);
  bytes += "rest";
  std::string_view left = bytes;
  ResultValue read = read_value(left);
  BOOST_TEST(left == "rest");
  return read;
}

std::string bytes_of(const ResultValue& value) {
  std::string bytes;
  append_value(bytes, value);
  return bytes;
}

json stats(std::uint64_t attempt, std::uint64_t records, Microseconds running_us, std::uint64_t memory) {
  return {{"job", {{"state", "RUNNING"}, {"attempt", attempt}, {"restarts", attempt - 1}, {"bad_records", 2}}},
          {"instances",
           {{{"stage", "in"}, {"records_out", records}, {"running_us", running_us}, {"resident_bytes", memory}},
            {{"stage", "out"},
             {"records_out", 999},
             {"running_us", running_us},
             {"resident_bytes", 10},
             {"state_rows", 3}}}}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(values_come_back_from_their_bytes) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const ResultValue& value :
       {ResultValue(), boolean_value(true), boolean_value(false), integer_value(0), integer_value(-5),
        integer_value(kMost), integer_value(-kMost - 1), integer_value((1LL << 53) + 1), real_value(0.1),
        real_value(-1e300), real_value(1e19), text_value(""), text_value(std::string("a\0b\0\0", 5)),
        text_value("\xff"), json_value(json::parse(R"({"b":[1],"a":null})"))}) {
    BOOST_TEST(shown(there_and_back(value)) == shown(value));
    BOOST_TEST(same(there_and_back(value), value));
  }
}

BOOST_AUTO_TEST_CASE(numbers_are_equal_and_in_order_however_they_are_stored) {
  BOOST_TEST(same(integer_value(1), real_value(1.0)));
  BOOST_TEST(same(real_value(-0.0), integer_value(0)));
  BOOST_TEST(!same(integer_value((1LL << 53) + 1), integer_value(1LL << 53)));
  BOOST_TEST(!same(integer_value(1), boolean_value(true)));
  BOOST_TEST(!same(text_value("1"), integer_value(1)));
  const std::vector<ResultValue> ascending = {real_value(-1e300), integer_value(-2), real_value(-1.5), integer_value(0),
                                              real_value(0.5),    integer_value(2),  integer_value(10)};
  for (std::size_t i = 1; i < ascending.size(); ++i) BOOST_TEST((bytes_of(ascending[i - 1]) < bytes_of(ascending[i])));
  BOOST_TEST((bytes_of(text_value("a")) < bytes_of(text_value("ab"))));
}

BOOST_AUTO_TEST_CASE(loose_values_are_what_other_files_make_of_them) {
  BOOST_TEST(same(loosened(text_value("12")), integer_value(12)));
  BOOST_TEST(same(loosened(text_value("-1.50")), real_value(-1.5)));
  BOOST_TEST(same(loosened(text_value("1e3")), integer_value(1000)));
  BOOST_TEST(loosened(text_value("")).null());
  BOOST_TEST(same(loosened(boolean_value(true)), loosened(text_value("true"))));
  BOOST_TEST(same(loosened(json_value(json::parse(R"({"a": [1, 2]})"))), loosened(text_value(R"({"a":[1,2]})"))));
  for (const char* text : {"007", "+1", "1e", "-", "1 ", "0x1", "nan", "1.2.3"})
    BOOST_TEST(shown(loosened(text_value(text))) == text);
}

BOOST_AUTO_TEST_CASE(rows_are_matched_by_their_key) {
  DiffCounts counts;
  const Lines lines = compare({.options = {.key = {"k"}},
                               .a = {{{"k", 1}, {"x", 1}}, {{"k", 2}, {"x", 2}}, {{"k", 10}, {"x", 3}}, {{"k", 4}}},
                               .b = {{{"k", 10}, {"x", 3}}, {{"k", 2}, {"x", 5}, {"y", "n"}}, {{"k", 3}}, {{"k", 4}}}},
                              &counts);
  BOOST_TEST(lines == (Lines{"- k=1 x=1", "~ k=2 x=2 -> k=2 x=5 y=n in x y", "+ k=3"}));
  BOOST_TEST(counts.rows_a == 4U);
  BOOST_TEST(counts.rows_b == 4U);
  BOOST_TEST(counts.only_a == 1U);
  BOOST_TEST(counts.only_b == 1U);
  BOOST_TEST(counts.differing == 1U);
}

BOOST_AUTO_TEST_CASE(rows_without_a_key_are_counted) {
  const json row = {{"x", 1}};
  BOOST_TEST(compare({.a = {row, row, row, {{"x", 2}}}, .b = {{{"x", 2}}, row}}) == (Lines{"- x=1 x2"}));
  BOOST_TEST(compare({.a = {row}, .b = {{{"x", 1.0}}}}).empty());
  BOOST_TEST(compare({.a = {{{"x", nullptr}}}, .b = {json::object()}}).empty());
}

BOOST_AUTO_TEST_CASE(a_null_in_a_key_is_a_value) {
  BOOST_TEST(compare({.options = {.key = {"k"}}, .a = {{{"x", 1}}}, .b = {{{"x", 2}}}}) ==
             (Lines{"~ x=1 -> x=2 in x"}));
}

BOOST_AUTO_TEST_CASE(columns_may_be_ignored) {
  BOOST_TEST(
      compare({.options = {.key = {"k"}, .ignore = {"x"}}, .a = {{{"k", 1}, {"x", 1}}}, .b = {{{"k", 1}, {"x", 2}}}})
          .empty());
  BOOST_TEST(compare({.options = {.ignore = {"x"}}, .a = {{{"k", 1}, {"x", 1}}}, .b = {{{"k", 1}, {"x", 2}}}}).empty());
}

BOOST_AUTO_TEST_CASE(numbers_may_be_a_little_apart) {
  const Case keyed{.options = {.key = {"k"}, .tolerance = 0.01},
                   .a = {{{"k", 1}, {"x", 1.0}, {"y", 7}}, {{"k", 2}, {"x", 2.5}}},
                   .b = {{{"k", 1}, {"x", 1.009}, {"y", 7}}, {{"k", 2}, {"x", 2.6}}}};
  BOOST_TEST(compare(keyed) == (Lines{"~ k=2 x=2.5 -> k=2 x=2.6 in x"}));
  // Whatever stands beside it, and in whatever order.
  const Case whole{.options = {.tolerance = 0.01},
                   .a = {{{"k", "a"}, {"x", 1.5}, {"y", 0.5}}, {{"k", "a"}, {"x", 1.505}, {"y", 9.5}}},
                   .b = {{{"k", "a"}, {"x", 1.501}, {"y", 9.5}},
                         {{"k", "a"}, {"x", 1.499}, {"y", 0.501}},
                         {{"k", "b"}, {"x", 1.5}, {"y", 0.5}}}};
  BOOST_TEST(compare(whole) == (Lines{"+ k=b x=1.5 y=0.5"}));
  // An integer in a column of reals.
  BOOST_TEST(
      compare({.options = {.tolerance = 0.01, .reals = {"x"}}, .a = {{{"x", 1}}}, .b = {{{"x", 1.001}}}}).empty());
}

BOOST_AUTO_TEST_CASE(what_was_there_before_both_began_cancels_out) {
  // A goes on from k=1 x=5, which B has left as it was.
  const Case one{.options = {.key = {"k"}},
                 .a = {{{"k", 1}, {"x", 5}, {"times", -1}}, {{"k", 1}, {"x", 6}}, {{"k", 2}, {"x", 1}, {"times", -1}}},
                 .b = {{{"k", 2}, {"x", 1}, {"times", -1}}}};
  BOOST_TEST(compare(one) == (Lines{"~ k=1 x=6 -> k=1 x=5 in x"}));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_into_memory_is_compared_all_the_same) {
  Case small{.options = {.key = {"k"}}};
  for (int i = 0; i < 2000; ++i) small.a.push_back({{"k", i}, {"x", i % 10}});
  for (int i = 1999; i >= 1; --i) small.b.push_back({{"k", i}, {"x", i == 700 ? -1 : i % 10}});
  const Lines in_memory = compare(small);
  BOOST_TEST(in_memory.size() == 2U);
  small.bytes_max = 10'000;
  DiffCounts counts;
  BOOST_TEST(compare(small, &counts) == in_memory);
  BOOST_TEST(counts.only_a == 1U);
  BOOST_TEST(counts.differing == 1U);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_none_is_bounded) {
  Case one{.options = {.key = {"y"}}};
  for (int i = 0; i < 3000; ++i) one.a.push_back({{"y", 1}, {"x", i}});
  for (int i = 0; i < 3000; ++i) one.b.push_back({{"y", 1}, {"x", i + 1}});
  BOOST_TEST(compare(one) == (Lines{"~ y=1 x=0 -> y=1 x=3000 in x"}));
}

BOOST_AUTO_TEST_CASE(columns_of_one_side_are_noted_and_left_out) {
  const Folder folder;
  ResultDiff diff({.ignore = {"z"}}, folder.path, 1 << 20);
  BOOST_TEST(diff.announce({std::vector<std::string>{"k", "x"}, {"z", "k", "y"}}).ok());
  BOOST_TEST(std::vector<std::string>(diff.notes().begin(), diff.notes().end()) ==
             (Lines{"column 'x' is only in A", "column 'y' is only in B"}));
  const std::vector<ResultValue> a = {integer_value(1), integer_value(2)};
  const std::vector<ResultValue> b = {integer_value(9), integer_value(1), integer_value(3)};
  BOOST_TEST(diff.add(Side::kA, std::vector<std::string>{"k", "x"}, a, 1).ok());
  BOOST_TEST(diff.add(Side::kB, std::vector<std::string>{"z", "k", "y"}, b, 1).ok());
  Found found(diff);
  BOOST_TEST(diff.finish(found)->equal());
  ResultDiff keyed({.key = {"x"}}, folder.path, 1 << 20);
  BOOST_TEST(keyed.announce({std::vector<std::string>{"x"}, {"y"}}).what() == "the key 'x' is no column of B");
}

BOOST_AUTO_TEST_CASE(fields_of_csv) {
  std::vector<CsvField> fields;
  BOOST_TEST(split_csv(R"(a,"b ""c"", d",,"")", ',', fields));
  BOOST_TEST(fields.size() == 4U);
  BOOST_TEST(fields[1].text == R"(b "c", d)");
  BOOST_TEST(!fields[2].quoted);
  BOOST_TEST(fields[3].quoted);
  BOOST_TEST(!split_csv("a,\"b", ',', fields));
  BOOST_TEST(split_csv("", ',', fields));
  BOOST_TEST(fields.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_grows_is_read_line_by_line) {
  const Folder folder;
  const std::string path = folder.path + "/a.ndjson";
  const auto reader = read_rows(path, ResultForm::kNdjson, true);
  BOOST_REQUIRE(reader.ok());
  BOOST_TEST(!*(*reader)->next());  // it is not there yet
  BOOST_REQUIRE(system_files().write_file(path, "{\"x\": 1}\n{\"x\": ").ok());
  BOOST_TEST(*(*reader)->next());
  BOOST_TEST(!*(*reader)->next());
  BOOST_REQUIRE(system_files().write_at(path, 15, " 2}\n").ok());
  BOOST_TEST(*(*reader)->next());
  BOOST_TEST(shown((*reader)->values()[0]) == "2");
  BOOST_REQUIRE(system_files().write_file(path, "{\"x\": 3}").ok());
  const auto whole = read_rows(path, ResultForm::kNdjson, false);
  BOOST_TEST(*(*whole)->next());  // of a file that is complete the last line needs no end
  BOOST_TEST(!*(*whole)->next());
}

BOOST_AUTO_TEST_CASE(figures_follow_counters_over_restarts) {
  RunMeter meter({.sources = {"in"}, .sinks = {"out"}}, true);
  meter.add(stats(1, 1000, 1'000'000, 500), {{11, 400'000}});
  meter.add(stats(1, 3000, 2'000'000, 300), {{11, 900'000}});
  meter.add(stats(2, 500, 500'000, 100), {{12, 100'000}});
  const RunFigures figures = meter.figures();
  BOOST_TEST(figures.records == 3500U);
  BOOST_TEST(figures.elapsed_us == 2'500'000);
  BOOST_TEST(figures.cpu_us.value() == 1'000'000);
  BOOST_TEST(figures.memory_bytes == 510U);
  BOOST_TEST(figures.restarts == 1U);
  BOOST_TEST(figures.rate_per_core().value() == 3500.0);
  meter.set_cpu(2'000'000);
  BOOST_TEST(meter.figures().rate_per_core().value() == 1750.0);
}

BOOST_AUTO_TEST_CASE(of_a_run_that_is_joined_later_only_what_follows_counts) {
  RunMeter meter({.sources = {"in"}, .sinks = {"out"}}, false);
  meter.add(stats(1, 1000, 1'000'000, 500), {{11, 400'000}});
  BOOST_TEST(!meter.figures().rate().has_value());
  meter.add(stats(1, 3000, 2'000'000, 500), {{11, 900'000}});
  BOOST_TEST(meter.figures().records == 2000U);
  BOOST_TEST(meter.figures().cpu_us.value() == 500'000);
}

BOOST_AUTO_TEST_CASE(checkpoints_tell_latency) {
  RunMeter meter({.sources = {"in"}, .sinks = {"out"}}, true);
  auto checkpoint = [epoch = 0](const char* status, Microseconds took, Microseconds delay) mutable {
    return json{{"epoch", ++epoch},
                {"status", status},
                {"duration_us", took},
                {"detail",
                 {{{"instance", "in.0"}, {"start_delay_us", 1}, {"alignment_us", 0}},
                  {{"instance", "out.1"}, {"start_delay_us", delay}, {"alignment_us", 5}}}}};
  };
  meter.add_checkpoints({checkpoint("committed", 10, 100), checkpoint("aborted", 9999, 9999),
                         checkpoint("complete", 30, 300), checkpoint("committed", 20, 200)});
  const RunFigures figures = meter.figures();
  BOOST_TEST(figures.checkpoints == 3U);
  BOOST_TEST(figures.checkpoint_us.value() == 20);
  BOOST_TEST(figures.checkpoint_max_us.value() == 30);
  BOOST_TEST(figures.latency_us.value() == 205);
  BOOST_TEST(figures.latency_max_us.value() == 305);
  json sample = stats(1, 10, 10, 10);
  sample["checkpoint"] = checkpoint("committed", 50, 500);
  meter.add(sample, {});
  BOOST_TEST(meter.figures().checkpoints == 4U);
  BOOST_TEST(meter.figures().latency_max_us.value() == 505);
}

BOOST_AUTO_TEST_CASE(figures_stand_side_by_side) {
  RunFigures a{.elapsed_us = 2'000'000, .records = 1000, .cpu_us = 1'000'000, .memory_bytes = 1 << 20};
  RunFigures b = a;
  b.records = 1500;
  const auto rows = performance_rows(a, b);
  const auto row = [&](const std::string& what) {
    for (const auto& each : rows) {
      if (each[0] == what) return each[1] + " " + each[2] + " " + each[3];
    }
    return std::string("none");
  };
  BOOST_TEST(row("rows/s") == "500 750 1.50");
  BOOST_TEST(row("rows/s per core") == "1.0k 1.5k 1.50");
  BOOST_TEST(row("bad records") == "none");
  BOOST_TEST(row("latency, median") == "none");
}
