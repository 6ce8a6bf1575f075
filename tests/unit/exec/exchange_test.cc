#include "stages/exec/exchange.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

#include "stages/exec/attempts.h"
#include "stages/exec/error_lines.h"
#include "stages/exec/watermark_gate.h"

using namespace stream;
using Meaning = Exchange::Meaning;

BOOST_AUTO_TEST_SUITE(exec_decisions)

BOOST_AUTO_TEST_CASE(in_mode_line_each_row_has_one_answer) {
  Exchange exchange(ExecMode::kLine);
  exchange.begin(2);
  BOOST_TEST(exchange.last_line() == "");
  BOOST_TEST((exchange.on_line("{}") == Meaning::kAnswer));
  BOOST_TEST(!exchange.answered());
  BOOST_TEST(exchange.kept() == 1u);
  BOOST_TEST((exchange.on_line("") == Meaning::kAnswer));
  BOOST_TEST(exchange.answered());
  BOOST_TEST((exchange.on_line("{}") == Meaning::kSurplus));
  exchange.close();
  BOOST_TEST((exchange.on_line("{}") == Meaning::kSurplus));
  BOOST_TEST(!fault_of(Meaning::kSurplus).empty());
}

BOOST_AUTO_TEST_CASE(a_program_that_died_is_given_only_the_lines_it_has_not_answered) {
  Exchange exchange(ExecMode::kLine);
  exchange.begin(3);
  BOOST_TEST((exchange.on_line("a") == Meaning::kAnswer));
  exchange.begin(3 - exchange.kept());
  BOOST_TEST(exchange.kept() == 0u);
  BOOST_TEST((exchange.on_line("b") == Meaning::kAnswer));
  BOOST_TEST(!exchange.answered());
  BOOST_TEST((exchange.on_line("c") == Meaning::kAnswer));
  BOOST_TEST(exchange.answered());
}

BOOST_AUTO_TEST_CASE(an_echo_answers_everything_before_it_however_it_is_written) {
  for (const std::string blank : {"", " "}) {
    Exchange exchange(ExecMode::kBarrier);
    exchange.begin(5);
    BOOST_TEST(exchange.last_line() == "{\"_barrier\": 1}\n");
    BOOST_TEST((exchange.on_line(R"({"a": "not a _barrier"})") == Meaning::kAnswer));
    BOOST_TEST(exchange.kept() == 0u);
    BOOST_TEST((exchange.on_line("{\"_barrier\":" + blank + "1}" + blank) == Meaning::kEcho));
    BOOST_TEST(exchange.answered());
    exchange.close();
    BOOST_TEST((exchange.on_line("{}") == Meaning::kAnswer));
  }
}

BOOST_AUTO_TEST_CASE(an_echo_of_another_barrier_is_refused) {
  Exchange exchange(ExecMode::kBarrier);
  BOOST_TEST((exchange.on_line(R"({"_barrier": 1})") == Meaning::kWrongEcho));
  exchange.begin(1);
  exchange.begin(1);  // the first program died
  BOOST_TEST((exchange.on_line(R"({"_barrier": 1})") == Meaning::kWrongEcho));
  BOOST_TEST((exchange.on_line(R"({"_barrier": 2})") == Meaning::kEcho));
  BOOST_TEST((exchange.on_line(R"({"_barrier": 2})") == Meaning::kWrongEcho));
}

BOOST_AUTO_TEST_CASE(in_mode_batch_lines_mean_nothing) {
  Exchange exchange(ExecMode::kBatch);
  exchange.begin(1);
  BOOST_TEST((exchange.on_line(R"({"_barrier": 7})") == Meaning::kAnswer));
  BOOST_TEST(!exchange.answered());
  BOOST_TEST(exchange.kept() == 0u);
}

BOOST_AUTO_TEST_CASE(a_program_that_gets_nothing_done_is_started_later_and_later_and_then_no_more) {
  Attempts attempts(3);
  BOOST_TEST(attempts.failed().value() == 10'000);
  BOOST_TEST(attempts.failed().value() == 20'000);
  attempts.progressed();
  BOOST_TEST(attempts.failed().value() == 10'000);
  BOOST_TEST(attempts.failed().value() == 20'000);
  BOOST_TEST(!attempts.failed());
  BOOST_TEST(attempts.in_a_row() == 3u);
  Attempts patient(1000);
  for (int i = 0; i < 100; ++i) BOOST_TEST(patient.failed().value() <= 5'000'000);
}

BOOST_AUTO_TEST_CASE(a_watermark_passes_when_the_rows_before_it_have_been_answered) {
  WatermarkGate gate;
  BOOST_TEST(gate.passed(7) == 7);  // as after a restart
  gate.watermark(10);
  gate.received(3);
  gate.watermark(20);
  gate.watermark(21);
  BOOST_TEST(gate.passed(21) == 10);
  gate.received(2);
  gate.watermark(30);
  gate.answered(2);
  BOOST_TEST(gate.passed(30) == 10);
  gate.answered(1);
  BOOST_TEST(gate.passed(30) == 21);
  gate.received(1);  // and no watermark since
  gate.answered(2);
  BOOST_TEST(gate.passed(30) == 30);
  gate.answered(1);
  BOOST_TEST(gate.passed(31) == 31);
}

BOOST_AUTO_TEST_CASE(what_a_program_says_is_logged_and_what_it_counts_is_kept) {
  UserMetrics metrics;
  std::vector<std::string> log;
  ErrorLines errors(metrics, [&](std::string_view line) { log.emplace_back(line); });
  errors.add("one\n{\"_counter\": \"hi");
  errors.add("ts\"}\n{\"_counter\":\"hits\",\"add\":41}\n{\"_gauge\":\"queue\",\"value\":1.5}\r\n");
  errors.add("{\"_meter\":\"seen\"}\n{\"_meter\":\"seen\",\"events\":2}\n{\"_histogram\":\"took\",\"value\":2}\n");
  errors.add(
      "{\"_counter\":3}\n{\"_gauge\":\"x\",\"value\":\"y\"}\n{\"_counter\":\"f\",\"add\":1.5}\ntwo\nthree\nfour");
  BOOST_TEST(metrics.meters().at("seen") == 3);
  BOOST_TEST(metrics.histograms().at("took").max == 2);
  BOOST_TEST(!metrics.meter("seen", -1));
  BOOST_TEST(!metrics.histogram("took", NAN));
  BOOST_TEST(metrics.counters().at("hits") == 42);
  BOOST_TEST(metrics.gauges().at("queue") == 1.5);
  BOOST_TEST(metrics.counters().size() == 1u);
  errors.finish();
  BOOST_TEST(errors.last() == "two / three / four");
  BOOST_TEST(log.size() == 7u);
  for (int i = 0; i < 1000; ++i) errors.add("{\"_counter\":\"" + std::to_string(i) + "\"}\n");
  BOOST_TEST(metrics.counters().size() + metrics.gauges().size() + 2 == UserMetrics::kNamesMax);
  errors.add(std::string(100'000, 'x'));
  BOOST_TEST(errors.last().size() < 2000u);
}

BOOST_AUTO_TEST_SUITE_END()
