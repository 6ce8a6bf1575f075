#include <boost/test/unit_test.hpp>

#include "supervisor/metrics/addresses.h"
#include "supervisor/metrics/host.h"
#include "supervisor/metrics/http_sender.h"

using namespace stream;
using namespace stream::metrics;

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(addresses) {
  const auto one = parse_listen_address("127.0.0.1:9249");
  BOOST_TEST_REQUIRE(one.ok());
  BOOST_TEST(one->host == "127.0.0.1");
  BOOST_TEST(one->first == 9249);
  BOOST_TEST(one->last == 9249);
  const auto range = parse_listen_address("[::1]:80-90");
  BOOST_TEST_REQUIRE(range.ok());
  BOOST_TEST(range->host == "::1");
  BOOST_TEST(range->last == 90);
  for (const char* bad : {"", "9249", ":1", "a:", "a:0", "a:65536", "a:2-1", "a:1-2-3", "a:x"}) {
    BOOST_TEST(!parse_listen_address(bad).ok(), bad);
  }
  BOOST_TEST(parse_address("graphite.example:2003")->port == 2003);
  BOOST_TEST(!parse_address("a:1-2").ok());
}

BOOST_AUTO_TEST_CASE(urls) {
  const auto url = parse_url("https://host:1/a/b/");
  BOOST_TEST_REQUIRE(url.ok());
  BOOST_TEST(url->server == "https://host:1");
  BOOST_TEST(url->path == "/a/b");
  BOOST_TEST(parse_url("http://host")->path == "");
  for (const char* bad : {"", "host", "ftp://host", "http://", "http://user@host", "http://host/?a=b"}) {
    BOOST_TEST(!parse_url(bad).ok(), bad);
  }
  BOOST_TEST(url_encoded("a b/c~") == "a%20b%2Fc~");
}

BOOST_AUTO_TEST_CASE(what_the_machine_says) {
  const CpuTicks ticks = parse_cpu("cpu  10 1 5 100 20 2 3 4 50 60\ncpu0 1 1 1 1\n");
  BOOST_TEST(ticks.busy == 25u);
  BOOST_TEST(ticks.all == 145u);
  HostView host;
  parse_load("0.50 1.25 2.00 3/400 123\n", host);
  BOOST_TEST(host.load[1] == 1.25);
  parse_memory("MemTotal: 1000 kB\nMemAvailable:  400 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\nHugePages_Total: 0\n",
               host);
  BOOST_TEST(host.memory_total == 1'024'000u);
  BOOST_TEST(host.memory_available == 409'600u);
  BOOST_TEST(host.swap_used == 6144u);
  const ProcessView process = parse_process(
      "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 5 0 100 1000000 250 18446744073709551615", 100, 4096);
  BOOST_TEST(process.cpu_us == 420'000);
  BOOST_TEST(process.threads == 5u);
  BOOST_TEST(process.resident_bytes == 1'024'000u);
  BOOST_TEST(parse_process("", 100, 4096).resident_bytes == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
