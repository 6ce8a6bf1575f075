#include "stages/read-file/spooled_input.h"

#include <boost/test/unit_test.hpp>

#include "snapshot/spool_writer.h"
#include "stages/read-file/sample.h"
#include "tests/support/fast_files.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

SchemaPtr schema() { return std::make_shared<const Schema>(*parse_schema("n bigint")); }

std::string lines(int begin, int end) {
  std::string text;
  for (int i = begin; i < end; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
  return text;
}

std::vector<int> numbers(int begin, int end) {
  std::vector<int> all;
  for (int i = begin; i < end; ++i) all.push_back(i);
  return all;
}

// A spool, whoever writes it, and what readers of it have seen.
struct Rig {
  TempDir dir;
  FastFiles files;
  std::string folder = dir / "spool";
  std::unique_ptr<SpoolWriter> writer;
  FormatOptions format;
  std::vector<std::string> lost;

  Rig() { begin(); }

  void begin() {
    if (writer) BOOST_REQUIRE(cut_spool(files, folder).ok());
    writer = std::make_unique<SpoolWriter>(files, folder, SpoolWriter::Sizes{40, 100});
    BOOST_REQUIRE(writer->begin(1).ok());
  }
  void append(const std::string& bytes) { BOOST_REQUIRE(writer->append(bytes).ok()); }

  std::unique_ptr<SpooledInput> reader(const std::vector<Position>& restored = {}) {
    const MakeDecoder maker = [this](const std::string&, InputFile& file,
                                     std::uint64_t offset) -> Result<std::unique_ptr<Decoder>> {
      STREAM_ASSIGN(auto decoder, make_decoder({format, schema(), schema(), [](BadInput) { return Status(); }}));
      STREAM_ASSIGN(const std::string head, read_beginning(file, 40));
      STREAM_TRY(decoder->start_at(offset, head));
      return decoder;
    };
    auto input = std::make_unique<SpooledInput>(
        system_input_files(), folder, maker, [this](const SpoolPosition& at, std::string reason, std::string record) {
          lost.push_back(std::to_string(at.offset) + ": " + reason + ": " + record);
          return Status();
        });
    const Status started = input->start(restored);
    BOOST_REQUIRE_MESSAGE(started.ok(), started.what());
    return input;
  }

  // Everything there is now; `ended` is set when nothing can follow.
  std::vector<int> read(SpooledInput& input, bool* ended = nullptr) {
    BatchBuilder batch(schema());
    std::vector<int> rows;
    for (;;) {
      const auto state = input.read(batch);
      BOOST_REQUIRE_MESSAGE(state.ok(), state.status().what());
      const Batch some = batch.finish();
      for (std::size_t i = 0; i < some.rows; ++i)
        rows.push_back(static_cast<int>(some.columns[0].value<std::int64_t>(i)));
      if (ended != nullptr) *ended = *state == SpooledInput::State::kEnd;
      if (*state != SpooledInput::State::kMore) return rows;
    }
  }
};

}  // namespace

BOOST_TEST_SPECIALIZED_COLLECTION_COMPARE(std::vector<int>)  // element by element

BOOST_AUTO_TEST_SUITE(spooled_input)

BOOST_AUTO_TEST_CASE(what_is_durable_is_read_as_it_comes_and_an_end_ends_it) {
  Rig rig;
  const auto input = rig.reader();
  bool ended = true;
  BOOST_TEST(rig.read(*input, &ended).empty());
  BOOST_TEST(!ended);
  std::string text = lines(0, 50);
  rig.append(text.substr(0, 13));  // a record and a half
  BOOST_TEST(rig.read(*input) == numbers(0, 1));
  BOOST_TEST(input->position().offset == 8);
  rig.append(text.substr(13));
  BOOST_TEST(rig.read(*input) == numbers(1, 50));
  rig.append("{\"n\":50}");  // no line end: not a record yet
  BOOST_TEST(rig.read(*input, &ended).empty());
  BOOST_TEST(!ended);
  BOOST_REQUIRE(rig.writer->end().ok());
  BOOST_TEST(rig.read(*input, &ended) == numbers(50, 51));
  BOOST_TEST(ended);
  BOOST_TEST(input->position().done);
  BOOST_TEST(rig.lost.empty());
}

BOOST_AUTO_TEST_CASE(bytes_that_are_written_but_not_durable_are_not_read) {
  Rig rig;
  rig.append(lines(0, 2));
  const std::string segment = rig.folder + "/" + spool_segment_name({rig.writer->position().input, 0});
  BOOST_REQUIRE(rig.files.write_at(segment, lines(0, 2).size(), lines(2, 4)).ok());
  const auto input = rig.reader();
  BOOST_TEST(rig.read(*input) == numbers(0, 2));
}

BOOST_AUTO_TEST_CASE(any_position_goes_on_exactly_there) {
  Rig rig;
  std::vector<Position> positions;
  const auto input = rig.reader();
  positions.push_back(input->position());
  for (int i = 0; i < 60; i += 3) {
    rig.append(lines(i, i + 3));
    BOOST_TEST(rig.read(*input) == numbers(i, i + 3));
    positions.push_back(input->position());
  }
  BOOST_REQUIRE(rig.writer->end().ok());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto again = rig.reader({positions[i]});
    BOOST_TEST(rig.read(*again) == numbers(static_cast<int>(i) * 3, 60));
  }
  // What lies before a position may be gone, and a position in what is gone is an error.
  const auto keep = static_cast<std::uint64_t>(positions[15].offset);
  BOOST_REQUIRE(forget_spool(rig.files, rig.folder, {rig.writer->position().input, keep}).ok());
  const auto again = rig.reader({positions[15]});
  BOOST_TEST(rig.read(*again) == numbers(45, 60));
  const auto early = rig.reader({positions[6]});
  BatchBuilder batch(schema());
  const auto refused = early->read(batch);
  BOOST_TEST(!refused.ok());
  BOOST_TEST(refused.status().what() == "byte 152 of the spooled input is gone");
}

BOOST_AUTO_TEST_CASE(a_header_is_read_again_wherever_reading_goes_on) {
  Rig rig;
  rig.format.format = Format::kCsv;
  rig.append("m,n\n");
  std::string text;
  for (int i = 0; i < 90; ++i) text += "x," + std::to_string(i) + "\n";
  rig.append(text);
  rig.append("y,90\n");
  const auto input = rig.reader();
  BOOST_TEST(rig.read(*input) == numbers(0, 91));
  const Position position = input->position();
  rig.append("y,91\n");
  const auto again = rig.reader({position});
  BOOST_TEST(rig.read(*again) == numbers(91, 92));
}

BOOST_AUTO_TEST_CASE(each_input_has_its_own_header_and_a_cut_record_is_a_bad_one) {
  Rig rig;
  rig.format.format = Format::kCsv;
  rig.append("n\n1\n2\n3");
  const auto before = rig.reader();
  BOOST_TEST(rig.read(*before) == numbers(1, 3));
  rig.begin();
  rig.append("n\n4\n5");
  const auto input = rig.reader({before->position()});
  bool ended = true;
  BOOST_TEST(rig.read(*input, &ended) == numbers(4, 5));
  BOOST_TEST(!ended);
  BOOST_TEST_REQUIRE(rig.lost.size() == 1u);
  BOOST_TEST(rig.lost[0] == "6: standard input was cut within this record: 3");
  BOOST_REQUIRE(rig.writer->end().ok());
  BOOST_TEST(rig.read(*input, &ended) == numbers(5, 6));
  BOOST_TEST(ended);
  // Once it is behind it, a reader does not report it again.
  const auto after = rig.reader({input->position()});
  BOOST_TEST(rig.read(*after, &ended).empty());
  BOOST_TEST(ended);
  BOOST_TEST(rig.lost.size() == 1u);
}

BOOST_AUTO_TEST_CASE(without_a_new_input_the_last_one_ends_where_it_was_cut) {
  Rig rig;
  rig.append(lines(0, 3));
  BOOST_REQUIRE(cut_spool(rig.files, rig.folder).ok());
  const auto input = rig.reader();
  bool ended = false;
  BOOST_TEST(rig.read(*input, &ended) == numbers(0, 3));
  BOOST_TEST(ended);
  BOOST_TEST(rig.lost.empty());
}

BOOST_AUTO_TEST_CASE(a_position_whose_input_is_gone_is_reported_unless_it_was_read_whole) {
  Rig rig;
  rig.append(lines(0, 3));
  Position position;
  position.path = kSpooledPath;
  position.begin = 0;
  position.offset = 77;
  auto input = rig.reader({position});
  BOOST_TEST(rig.read(*input) == numbers(0, 3));
  BOOST_TEST_REQUIRE(rig.lost.size() == 1u);
  BOOST_TEST(rig.lost[0].starts_with("77: what was spooled of standard input is gone"));
  position.done = true;
  input = rig.reader({position});
  BOOST_TEST(rig.read(*input) == numbers(0, 3));
  BOOST_TEST(rig.lost.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_spool_without_any_input_has_ended) {
  Rig rig;
  BOOST_REQUIRE(clear_spool(rig.files, rig.folder).ok());
  const auto input = rig.reader();
  bool ended = false;
  BOOST_TEST(rig.read(*input, &ended).empty());
  BOOST_TEST(ended);
}

BOOST_AUTO_TEST_SUITE_END()
