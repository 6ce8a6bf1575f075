#include <boost/test/unit_test.hpp>

#include "stages/format/encoder.h"
#include "tests/unit/format/support.h"

using namespace stream;
using namespace stream::format_test;

BOOST_AUTO_TEST_SUITE(ndjson)

BOOST_AUTO_TEST_CASE(every_type_is_read_and_printed) {
  const Run run = decode_all("b boolean, i bigint, d double, m decimal(10,2), s varchar, t timestamp, e date, j json, x blob",
      R"({"b":true,"i":-12,"d":1.5e3,"m":"12.50","s":"a\u00e9\n","t":"2024-02-29T12:00:00.123456789+02:00","e":"2024-02-29","j":{"k":[1, 2]},"x":"aGk="})" "\n"
      "{}\n");
  BOOST_TEST(run.text == R"({"b":true,"i":-12,"d":1500,"m":"12.50","s":"aé\n","t":"2024-02-29T10:00:00.123456Z","e":"2024-02-29","j":{"k":[1, 2]},"x":"aGk="})" "\n"
      R"({"b":null,"i":null,"d":null,"m":null,"s":null,"t":null,"e":null,"j":null,"x":null})" "\n");
  BOOST_TEST(run.bad.empty());
}

BOOST_AUTO_TEST_SUITE_END()
