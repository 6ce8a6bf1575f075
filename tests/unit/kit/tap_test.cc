#include "stages/kit/tap.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(taps)

BOOST_AUTO_TEST_CASE(what_is_no_request_opens_nothing) {
  Taps taps("a.0", system_clock());
  for (const char* text : {"", "[]", "{}", R"({"socket":7})", R"({"socket":"/nonexistent/socket","where":{}})"}) {
    taps.open(text, {});
    BOOST_TEST(!taps.any(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
