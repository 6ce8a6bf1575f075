#include <boost/test/unit_test.hpp>

#include <random>

#include "stages/listen/address.h"
#include "stages/listen/cutter.h"
#include "stages/listen/json_records.h"
#include "stages/listen/syslog.h"

namespace stream::listen {
namespace {

using Texts = std::vector<std::string>;

constexpr Microseconds kNow = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z

// What the bytes are cut into, given in pieces of so many bytes.
Texts cut(std::string_view bytes, std::size_t piece, std::size_t record_max, bool counted) {
  Texts out;
  Cutter cutter(record_max, counted);
  const auto on_record = [&](std::string_view record, bool too_long) {
    out.push_back((too_long ? "!" : "") + std::string(record));
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece) cutter.add(bytes.substr(at, piece), on_record);
  cutter.end(on_record);
  return out;
}

void check_cut(std::string_view bytes, const Texts& expected, std::size_t record_max = 10, bool counted = false) {
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    BOOST_TEST_CONTEXT("pieces of " << piece) {
      BOOST_TEST(cut(bytes, piece, record_max, counted) == expected, boost::test_tools::per_element());
    }
  }
}

std::string why_not(std::string_view address) {
  const auto found = parse_address(address);
  return found.ok() ? "" : found.status().what();
}

Texts records(std::string_view type, std::string_view body, std::size_t record_max = 100) {
  Texts out;
  std::string why;
  if (!records_of(type, body, record_max, &out, &why)) return {"refused: " + why};
  return out;
}

BOOST_AUTO_TEST_SUITE(listen)

BOOST_AUTO_TEST_CASE(an_address_is_taken_apart) {
  BOOST_TEST((*parse_address("tcp://127.0.0.1:9000") == Address{Protocol::kTcp, false, "127.0.0.1", 9000, "/"}));
  BOOST_TEST((*parse_address("syslog+udp://[::1]:514") == Address{Protocol::kUdp, true, "::1", 514, "/"}));
  BOOST_TEST((*parse_address("http://localhost:80/a/b") == Address{Protocol::kHttp, false, "localhost", 80, "/a/b"}));
  BOOST_TEST(why_not("127.0.0.1:9000").ends_with("syslog+udp://"));
  BOOST_TEST(why_not("tcp://a").ends_with("the port is missing, as in tcp://127.0.0.1:9000"));
  for (const char* port : {"tcp://a:", "tcp://a:0", "tcp://a:65536", "tcp://a:1x"}) {
    BOOST_TEST(why_not(port).ends_with("the port is a number from 1 to 65535"));
  }
  BOOST_TEST(why_not("tcp://:1").ends_with("0.0.0.0 for all"));
  BOOST_TEST(why_not("udp://a:1/b").ends_with("only http:// has a path"));
}

BOOST_AUTO_TEST_CASE(lines_are_cut_wherever_their_bytes_come) {
  check_cut("a\nbc\r\n\n\r\nlast", {"a", "bc", "last"});
  check_cut("0123456789\n0123456789\n", {"0123456789", "0123456789"});
  check_cut("", {});
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_told_once) {
  check_cut("a\n0123456789abcdef0123456789abcdef\nb\n", {"a", "!0123456789", "b"});
  check_cut("0123456789abcdef0123456789abcdef", {"!0123456789"});
}

BOOST_AUTO_TEST_CASE(counted_records_may_hold_line_ends) {
  check_cut("3 a\nb5 <1>xyline\n2 ok", {"a\nb", "<1>xy", "line", "ok"}, 10, true);
  check_cut("12 0123456789ab1 x", {"!0123456789", "x"}, 10, true);
  check_cut("7up\n12", {"7up", "12"}, 10, true);
  check_cut("10 12345678", {"!10 1234567"}, 10, true);  // cut short, and too long for the line that it may be
}

BOOST_AUTO_TEST_CASE(a_body_holds_lines_or_json) {
  BOOST_TEST(records("", "a\nb\n") == (Texts{"a", "b"}), boost::test_tools::per_element());
  BOOST_TEST(records("application/json", " {\"a\" : 1.00} ") == (Texts{"{\"a\" : 1.00}"}),
             boost::test_tools::per_element());
  BOOST_TEST(records("application/json; charset=utf-8", "[[1,2] , {\"a\":\"],\\\"\"},\n12345678901234567890123 ]") ==
                 (Texts{"[1,2]", "{\"a\":\"],\\\"\"}", "12345678901234567890123"}),
             boost::test_tools::per_element());
  BOOST_TEST(records("application/json", "[]").empty());
  BOOST_TEST(records("application/json", "[1") == (Texts{"refused: the body is not JSON"}),
             boost::test_tools::per_element());
  BOOST_TEST(records("text/plain", "abc", 2) == (Texts{"refused: a record is longer than 2 bytes"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(messages_of_rfc_5424) {
  BOOST_TEST(
      syslog_record("<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed", kNow) ==
      R"({"facility":4,"severity":2,"ts":"2003-10-11T22:14:15.003Z","host":"host","app":"su","message_id":"ID47",)"
      R"("message":"failed"})");
  BOOST_TEST(syslog_record("<0>1 - - - - - [a k=\"1\\\\\" l=\"\"][b]", kNow) ==
             R"({"facility":0,"severity":0,"data":{"a":{"k":"1\\","l":""},"b":{}},"message":""})");
}

BOOST_AUTO_TEST_CASE(more_structured_data_than_anybody_sends_is_text) {
  std::string text = "- - - - - ";
  for (int i = 0; i < 2000; ++i) text += "[a" + std::to_string(i) + "]";
  BOOST_TEST(syslog_record("<0>1 " + text, kNow) == R"({"facility":0,"severity":0,"message":"1 )" + text + "\"}");
  std::string one = "- - - - - [a";
  for (int i = 0; i < 2000; ++i) one += " k" + std::to_string(i) + "=\"\"";
  BOOST_TEST(syslog_record("<0>1 " + one + "]", kNow).find("\"data\"") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(messages_of_rfc_3164_get_the_year_in_which_they_come) {
  BOOST_TEST(syslog_record("<13>Jan  1 00:00:05 h app: x", kNow) ==
             R"({"facility":1,"severity":5,"ts":"2026-01-01T00:00:05Z","host":"h","app":"app","message":"x"})");
  BOOST_TEST(
      syslog_record("<13>Dec 31 23:59:59 h app[7]: x", kNow) ==
      R"({"facility":1,"severity":5,"ts":"2025-12-31T23:59:59Z","host":"h","app":"app","pid":"7","message":"x"})");
  BOOST_TEST(syslog_record("<13>Feb 29 00:00:00 h x y", kNow) ==
             R"({"facility":1,"severity":5,"ts":"2024-02-29T00:00:00Z","host":"h","message":"x y"})");
}

BOOST_AUTO_TEST_CASE(what_is_no_syslog_is_a_message) {
  for (const char* text : {"hello", "<192>x", "<>", "<1", "", "<1>1 a b", "<13>Feb 30 00:00:00 h x"}) {
    const std::string record = syslog_record(text, kNow);
    BOOST_TEST(record.find("\"ts\"") == std::string::npos);
    BOOST_TEST(record.find("\"message\":\"") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::listen
