#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

#include "stages/print/print.h"
#include "tests/support/sink_rig.h"

using namespace stream;

namespace {

struct Pipe {
  Pipe() { STREAM_CHECK(::pipe2(fds, O_NONBLOCK) == 0); }
  ~Pipe() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  std::string take() {
    char bytes[1 << 16];
    const ssize_t n = ::read(fds[0], bytes, sizeof bytes);
    return {bytes, n > 0 ? static_cast<std::size_t>(n) : 0};
  }
  int fds[2];
};

SchemaPtr schema_of(Changelog changelog) {
  Schema schema = *parse_schema("n bigint, s varchar");
  schema.changelog = changelog;
  return std::make_shared<const Schema>(schema);
}

struct Fixture {
  explicit Fixture(OutputFormat format = OutputFormat::kNdjson, Changelog changelog = Changelog::kAppend)
      : schema(schema_of(changelog)) {
    EncoderOptions options;
    options.format = format;
    options.row_kinds = changelog == Changelog::kUpdates;
    clock.advance(1'000'000);
    sink = std::make_unique<Print>(options, schema, clock, pipe.fds[1]);
  }
  void batch(const std::vector<std::string>& rows) { require_ok(sink->on_batch(0, rows_of(schema, rows), emitter)); }

  Pipe pipe;
  ManualClock clock;
  NoEmitter emitter;
  SchemaPtr schema;
  std::unique_ptr<Print> sink;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(print)

BOOST_AUTO_TEST_CASE(rows_come_out_when_the_last_write_is_50_ms_old_when_input_pauses_and_at_a_barrier) {
  Fixture f;
  f.batch({"+I 1 a"});
  BOOST_TEST(f.pipe.take() == "{\"n\":1,\"s\":\"a\"}\n");
  f.clock.advance(10'000);
  f.batch({"+I 2 b"});
  BOOST_TEST(f.pipe.take() == "");
  f.clock.advance(40'000);
  f.batch({"+I 3 -"});
  BOOST_TEST(f.pipe.take() == "{\"n\":2,\"s\":\"b\"}\n{\"n\":3,\"s\":null}\n");
  f.batch({"+I 4 d"});
  require_ok(f.sink->on_idle());
  BOOST_TEST(f.pipe.take() == "{\"n\":4,\"s\":\"d\"}\n");
  f.batch({"+I 5 e"});
  require_ok(f.sink->prepare(Epoch(1)));
  BOOST_TEST(f.pipe.take() == "{\"n\":5,\"s\":\"e\"}\n");
}

BOOST_AUTO_TEST_CASE(changes_are_marked_and_a_table_without_rows_has_its_header) {
  Fixture changes(OutputFormat::kCsv, Changelog::kUpdates);
  changes.batch({"+I 1 a", "-U 1 a", "+U 1 b", "-D 1 b"});
  BOOST_TEST(changes.pipe.take() == "_op,n,s\n+I,1,a\n-U,1,a\n+U,1,b\n-D,1,b\n");
  Fixture empty(OutputFormat::kCsv);
  require_ok(empty.sink->on_end());
  BOOST_TEST(empty.pipe.take() == "n,s\n");
}

BOOST_AUTO_TEST_SUITE_END()
