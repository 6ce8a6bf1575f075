#include "cli/top/top_state.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/top/top_picture.h"

namespace stream {
namespace {

using nlohmann::json;

json instance(const std::string& stage, int number, double in, double out, double busy) {
  return {{"stage", stage},       {"instance", number},    {"pid", 100 + number},
          {"busy", busy},         {"records_in_rate", in}, {"records_out_rate", out},
          {"backpressured", 0.1}, {"state_bytes", 2048},   {"resident_bytes", 1 << 20},
          {"bad_records", 0},     {"late_records", number}};
}

json stats(const std::string& name, double rate) {
  return {{"job",
           {{"job", name},
            {"id", "0123456789abcdef"},
            {"state", "RUNNING"},
            {"attempt", 1},
            {"restarts", 2},
            {"checkpoint", 7},
            {"supervisor_pid", 42},
            {"started_us", 1'000'000},
            {"stages", json::array({{{"stage", "made"}, {"parallelism", 1}, {"role", "source"}},
                                    {{"stage", "sum"}, {"parallelism", 2}, {"role", "operator"}},
                                    {{"stage", "out"}, {"parallelism", 1}, {"role", "sink"}}})}}},
          {"checkpoint", {{"duration_us", 4'500}}},
          {"instances", json::array({instance("made", 0, 0, rate, 0.2), instance("sum", 0, rate / 2, 5, 0.9),
                                     instance("sum", 1, rate / 2, 6, 0.3), instance("out", 0, 11, 0, 0.1)})}};
}

json ended(const std::string& name) {
  return {{"job", name}, {"state", "FAILED"}, {"supervisor_pid", nullptr}, {"reason", "no such file"}};
}

Sample sample(const std::vector<json>& answers) {
  Sample out{.at_us = 61'000'000, .jobs = {}, .details = {}};
  for (const json& answer : answers) out.jobs.push_back(job_load(answer));
  return out;
}

Pressed type(TopState& state, const std::string& keys) {
  Pressed last;
  for (const char key : keys) last = state.press({KeyKind::kCharacter, key});
  return last;
}

Pressed press(TopState& state, KeyKind kind) { return state.press({kind, 0}); }

std::string screen(TopState& state, std::size_t lines = 24, std::size_t columns = 80) {
  std::string out;
  for (const Line& line : picture(state, {lines, columns, false})) {
    out += line.selected ? ">" : "";
    for (const Span& span : line.spans) out += span.text;
    out += "\n";
  }
  return out;
}

bool shows(TopState& state, const std::string& text) { return screen(state).find(text) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(top_state)

BOOST_AUTO_TEST_CASE(a_job_is_what_its_ends_and_its_bottleneck_are) {
  const JobLoad job = job_load(stats("web", 1000));
  BOOST_TEST(job.running);
  BOOST_TEST(job.load.records_in == 1000);
  BOOST_TEST(job.load.records_out == 11);
  BOOST_TEST(job.load.busy == 0.9);
  BOOST_TEST(job.load.state == 4 * 2048);
  BOOST_TEST(job.processes() == 4U);
  BOOST_TEST(job.checkpoint_took == 4'500);
  BOOST_TEST(job.stage("sum")->load.records_in == 1000);
  BOOST_TEST(!job.load.lag.has_value());
  BOOST_TEST(!job_load(ended("old")).running);
}

BOOST_AUTO_TEST_CASE(enter_goes_down_and_back_comes_up_to_where_one_was) {
  TopState state("");
  state.take(sample({stats("a", 1), stats("b", 2)}));
  press(state, KeyKind::kDown);
  press(state, KeyKind::kEnter);
  BOOST_TEST((state.page() == Page::kStages && state.job() == "b"));
  press(state, KeyKind::kDown);
  press(state, KeyKind::kEnter);
  BOOST_TEST((state.page() == Page::kInstances && state.stage() == "sum"));
  BOOST_TEST(shows(state, "b / sum  RUNNING"));
  type(state, "l");
  BOOST_TEST((state.page() == Page::kLogs && state.stage() == "sum"));
  press(state, KeyKind::kBack);
  BOOST_TEST((state.page() == Page::kInstances));
  press(state, KeyKind::kBack);
  BOOST_TEST((state.page() == Page::kStages && state.stage().empty() && state.selected() == 1));
  type(state, "c");
  press(state, KeyKind::kBack);
  press(state, KeyKind::kBack);
  BOOST_TEST((state.page() == Page::kJobs && state.selected() == 1));
  press(state, KeyKind::kBack);
  BOOST_TEST((state.page() == Page::kJobs));
}

BOOST_AUTO_TEST_CASE(the_selected_job_stays_selected_while_others_come_and_go) {
  TopState state("");
  state.take(sample({stats("b", 1), stats("c", 2)}));
  press(state, KeyKind::kDown);
  state.take(sample({stats("a", 1), stats("b", 1), stats("c", 2)}));
  BOOST_TEST(state.jobs()[state.selected()]->name == "c");
  state.take(sample({stats("a", 1)}));
  BOOST_TEST(state.selected() == 0U);
  state.take(sample({}));
  BOOST_TEST(state.selected() == 0U);
  BOOST_TEST(shows(state, "No job yet"));
  press(state, KeyKind::kEnter);
  BOOST_TEST((state.page() == Page::kJobs));
  BOOST_TEST(type(state, "sxrcel").orders.empty());
}

BOOST_AUTO_TEST_CASE(rows_stand_in_the_order_of_a_column) {
  TopState state("");
  state.take(sample({ended("old"), stats("slow", 1), stats("fast", 9)}));
  BOOST_TEST(state.jobs()[0]->name == "slow");  // those that run come first
  type(state, ">");
  BOOST_TEST(state.sort_column() == "IN/s");
  BOOST_TEST(state.jobs()[0]->name == "fast");
  type(state, "o");
  BOOST_TEST(state.jobs()[0]->name == "slow");
  BOOST_TEST(state.jobs()[2]->name == "old");
  type(state, "a");
  BOOST_TEST(state.jobs().size() == 2U);
  type(state, "<");
  BOOST_TEST(state.sort_column().empty());
  type(state, "<");
  BOOST_TEST(state.sort_column() == "MEMORY");
}

BOOST_AUTO_TEST_CASE(what_ends_a_job_asks_first) {
  TopState state("");
  state.take(sample({stats("web", 1)}));
  BOOST_TEST(type(state, "x").orders.empty());
  BOOST_TEST(shows(state, "Stop web with a savepoint? [y/N]"));
  BOOST_TEST(type(state, "n").orders.empty());
  BOOST_TEST(state.question().empty());
  BOOST_TEST(type(state, "x\x01").orders.empty());
  const Pressed stop = type(state, "xy");
  BOOST_REQUIRE_EQUAL(stop.orders.size(), 1U);
  BOOST_TEST(stop.orders[0].commands[0] == (std::vector<std::string>{"stop", "web"}), boost::test_tools::per_element());
  const Pressed restart = type(state, "ry");
  BOOST_REQUIRE_EQUAL(restart.orders.size(), 1U);
  BOOST_TEST(restart.orders[0].commands.size() == 2U);
  const Pressed savepoint = type(state, "s");
  BOOST_REQUIRE_EQUAL(savepoint.orders.size(), 1U);
  BOOST_TEST(savepoint.orders[0].title == "savepoint web");
  BOOST_TEST(type(state, "q").leave);
}

BOOST_AUTO_TEST_CASE(a_job_that_does_not_run_is_resumed_not_stopped) {
  TopState state("old");
  state.take(sample({ended("old")}));
  BOOST_TEST(type(state, "x").orders.empty());
  BOOST_TEST(shows(state, "old does not run"));
  const Pressed resume = type(state, "r");
  BOOST_REQUIRE_EQUAL(resume.orders.size(), 1U);
  BOOST_TEST(resume.orders[0].commands[0][0] == "resume");
}

BOOST_AUTO_TEST_CASE(history_is_of_those_that_are_there) {
  TopState state("");
  for (int i = 0; i < 300; ++i) state.take(sample({stats("web", i)}));
  BOOST_TEST(state.history("web").size() == 120U);
  BOOST_TEST(state.history("web").back() == 299);
  BOOST_TEST(state.history("web", "out").back() == 11);
  BOOST_TEST(state.history("web", "sum", 1).back() == 6);
  state.take(sample({}));
  BOOST_TEST(state.history("web").empty());
}

BOOST_AUTO_TEST_CASE(every_page_fits_every_screen) {
  std::vector<json> many;
  for (int i = 0; i < 50; ++i) many.push_back(stats("job" + std::to_string(i), i));
  for (const char* keys : {"", "\n", "\n\n", "c", "e", "l", "?"}) {
    TopState state("");
    state.take(sample(many));
    for (const char* key = keys; *key != 0; ++key) *key == '\n' ? press(state, KeyKind::kEnter) : type(state, {*key});
    Sample detailed = sample(many);
    detailed.details = {.job = "job0", .page = state.page(), .checkpoints = {}, .events = {}, .logs = {}};
    for (std::uint64_t i = 0; i < 50; ++i) {
      detailed.details.checkpoints.push_back(
          {.epoch = i, .status = "committed", .parts = {30, CheckpointPart{"sum.0"}}});
      detailed.details.events.push_back({.at_us = 1, .kind = "failed", .text = std::string(200, 'x')});
      detailed.details.logs.push_back({std::string(200, 'y'), Style::kBad});
    }
    state.take(std::move(detailed));
    for (const std::size_t lines : {1, 3, 4, 5, 8, 24, 100}) {
      for (const std::size_t columns : {1, 10, 20, 40, 80, 200}) {
        const std::vector<Line> drawn = picture(state, {lines, columns, true});
        BOOST_TEST(drawn.size() <= lines);
        for (const Line& line : drawn) {
          std::size_t cells = 0;
          for (const Span& span : line.spans) cells += cells_of(span.text);
          BOOST_TEST(cells <= columns * 3);  // bytes of bars, where the locale does not know them
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_selected_row_is_on_the_screen) {
  std::vector<json> many;
  for (int i = 10; i < 60; ++i) many.push_back(stats("job" + std::to_string(i), i));
  TopState state("");
  state.take(sample(many));
  for (const KeyKind kind : {KeyKind::kEnd, KeyKind::kUp, KeyKind::kPageUp, KeyKind::kPageUp, KeyKind::kPageUp,
                             KeyKind::kPageDown, KeyKind::kHome, KeyKind::kPageDown, KeyKind::kDown}) {
    screen(state);  // says how much room there is
    press(state, kind);
    BOOST_TEST(shows(state, ">job" + std::to_string(10 + state.selected())));
  }
}

BOOST_AUTO_TEST_CASE(logs_are_followed_from_their_end_unless_somebody_reads) {
  TopState state("web");
  const auto logged = [](std::size_t lines) {
    Sample out = sample({stats("web", 1)});
    out.details = {.job = "web", .page = Page::kLogs, .checkpoints = {}, .events = {}, .logs = {lines, Span{"line"}}};
    return out;
  };
  state.take(sample({stats("web", 1)}));
  type(state, "l");
  state.take(logged(50));
  BOOST_TEST(state.selected() == 49U);
  state.take(logged(60));
  BOOST_TEST(state.selected() == 59U);
  press(state, KeyKind::kUp);
  state.take(logged(70));
  BOOST_TEST(state.selected() == 58U);
}

BOOST_AUTO_TEST_CASE(eighty_by_twenty_four) {
  TopState state("");
  state.take(sample({stats("web-errors", 12'345), ended("old")}));
  BOOST_TEST(screen(state, 6) ==
             "stream top  1970-01-01 00:01:01  1 job runs, 1 ended  in 12.3k/s\n"
             "JOB         STATE    N   IN/s  OUT/s  BUSY  FULL  LAG  STATE  MEMORY     TREND\n"
             ">web-errors  RUNNING  4  12.3k     11   90%   10%    -   8.2k    4.2M         #\n"
             "old         FAILED   0      -      -     -     -    -      -       -          \n"
             "\n"
             "Enter open  s savepoint  x stop  r restart  c e l views  <> sort  ? help  q quit\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stream
