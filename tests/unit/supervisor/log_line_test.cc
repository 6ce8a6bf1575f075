#include "supervisor/log_line.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace stream;
using nlohmann::json;

namespace {

LogLine line(std::string message, std::string stage = "errors") {
  LogLine out;
  out.at_us = 1'769'000'000'123'456;
  out.level = LogLevel::kWarning;
  out.stage = std::move(stage);
  out.instance = 3;
  out.attempt = 2;
  out.checkpoint = 17;
  out.message = std::move(message);
  return out;
}

void check_same(const LogLine& a, const LogLine& b) {
  BOOST_TEST(a.at_us == b.at_us);
  BOOST_TEST((a.level == b.level));
  BOOST_TEST(a.stage == b.stage);
  BOOST_TEST(a.instance == b.instance);
  BOOST_TEST(a.attempt == b.attempt);
  BOOST_TEST(a.checkpoint == b.checkpoint);
  BOOST_TEST(a.message == b.message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_lines)

BOOST_AUTO_TEST_CASE(what_is_written_is_json_with_the_fields_that_correlate) {
  const json out = json::parse(to_json(line("it \"failed\""), "web"));
  BOOST_TEST(out["job"] == "web");
  BOOST_TEST(out["stage"] == "errors");
  BOOST_TEST(out["instance"] == 3);
  BOOST_TEST(out["attempt"] == 2);
  BOOST_TEST(out["checkpoint"] == 17);
  BOOST_TEST(out["level"] == "warning");
  BOOST_TEST(out["message"] == "it \"failed\"");
  BOOST_TEST(out["ts"] == "2026-01-21T12:53:20.123Z");
  BOOST_TEST(out["us"] == 1'769'000'000'123'456);
  BOOST_TEST(!json::parse(to_json(line("x", ""), "web")).contains("stage"));
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
  for (const char* message :
       {"", "plain", "with \"quotes\" and \\", "tab\tand\nline", "ümläut €", "{\"a\":1}", "\x7f"}) {
    for (const char* stage : {"", "errors"}) {
      LogLine wanted = line(message, stage);
      if (wanted.stage.empty()) wanted.instance = 0;
      const std::string text = to_json(wanted, "web");
      BOOST_TEST(text == json::parse(text).dump());  // the form that others wrote before
      const auto got = log_line_from_json(text);
      BOOST_TEST_REQUIRE(got.has_value(), text);
      check_same(wanted, *got);
    }
  }
}

// Bytes that are no UTF-8 are replaced, as they were.
BOOST_AUTO_TEST_CASE(any_bytes_can_be_logged) {
  const auto got = log_line_from_json(to_json(line("a\xff\x01z"), "web"));
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_TEST(got->message == "a\xef\xbf\xbd\x01z");
}

BOOST_AUTO_TEST_CASE(json_of_another_form_is_read_too) {
  const auto got = log_line_from_json(R"({"message": "m", "us": 5, "level": "error", "stage": "s", "instance": 1})");
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_TEST((got->level == LogLevel::kError));
  BOOST_TEST(got->at_us == 5);
  BOOST_TEST(got->stage == "s");
  const std::string good = to_json(line("m"), "web");
  for (std::size_t cut = 0; cut < good.size(); ++cut) BOOST_TEST(!log_line_from_json(good.substr(0, cut)).has_value());
  for (const char* bad : {"", "{}", "[]", "1", R"({"message":1})", R"({"attempt":-1,"message":""})"})
    log_line_from_json(bad);
}

BOOST_AUTO_TEST_CASE(people_read_who_said_what) {
  BOOST_TEST(to_text(line("gone")) == "2026-01-21T12:53:20.123Z warning errors.3 a2: gone");
  BOOST_TEST(to_text(line("gone", "")) == "2026-01-21T12:53:20.123Z warning supervisor a2: gone");
  BOOST_TEST(log_timestamp(0) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(log_timestamp(1'769'000'001'000'000) == "2026-01-21T12:53:21.000Z");
}

BOOST_AUTO_TEST_SUITE_END()
