#include "transport/frame.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

using namespace stream;

namespace {

Batch sample(std::size_t rows) {
  BatchBuilder builder(
      std::make_shared<const Schema>(*parse_schema("n bigint, name varchar, ok boolean, d decimal(9,2)")));
  for (std::size_t i = 0; i < rows; ++i) {
    builder.column(0).append(static_cast<std::int64_t>(i));
    if (i % 5 == 3) {
      builder.column(1).append_null();
    } else {
      builder.column(1).append_bytes(std::string(i % 7, 'a'));
    }
    builder.column(2).append(static_cast<std::uint8_t>(i & 1));
    builder.column(3).append(Decimal(i) * 100);
    builder.end_row(i == 2 ? RowKind::kUpdateAfter : RowKind::kInsert);
  }
  return builder.finish();
}

Result<Batch> decode(const Buffer& frame, const SchemaPtr& schema) {
  const auto header = decode_header({frame.data(), frame.size()});
  if (!header.ok()) return header.status();
  return decode_batch(*header, aligned(frame), schema);
}

// The same bytes at an address that is no multiple of 8.
Buffer misaligned(const Buffer& frame, std::vector<std::uint8_t>& space) {
  space.resize(frame.size() + 9);
  std::uint8_t* start = space.data();
  while (reinterpret_cast<std::uintptr_t>(start) % 8 != 3) ++start;
  std::memcpy(start, frame.data(), frame.size());
  return {nullptr, start, frame.size()};
}

void check_equal(const Batch& a, const Batch& b) {
  BOOST_TEST_REQUIRE(a.rows == b.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    BOOST_TEST((a.kind(i) == b.kind(i)));
    BOOST_TEST(a.columns[0].value<std::int64_t>(i) == b.columns[0].value<std::int64_t>(i));
    BOOST_TEST(a.columns[1].valid(i) == b.columns[1].valid(i));
    BOOST_TEST(a.columns[1].bytes(i) == b.columns[1].bytes(i));
    BOOST_TEST((a.columns[3].value<Decimal>(i) == b.columns[3].value<Decimal>(i)));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frame)

BOOST_AUTO_TEST_CASE(a_batch_survives_the_wire_at_any_alignment) {
  for (const std::size_t rows : {0UL, 1UL, 8UL, 1000UL}) {
    const Batch batch = sample(rows);
    const Buffer bytes = encode_batch({}, batch);
    BOOST_TEST(bytes.size() == encoded_size(batch));
    check_equal(*decode(bytes, batch.schema), batch);
    std::vector<std::uint8_t> space;
    check_equal(*decode(misaligned(bytes, space), batch.schema), batch);
  }
}

BOOST_AUTO_TEST_CASE(decimals_are_aligned_wherever_they_stand_in_the_frame) {
  const auto schema = std::make_shared<const Schema>(*parse_schema("n bigint, d decimal(38,2)"));
  std::set<std::size_t> offsets;
  for (const std::size_t rows : {1UL, 2UL, 3UL}) {  // n moves d by 8 bytes a row
    BatchBuilder builder(schema);
    for (std::size_t i = 0; i < rows; ++i) {
      builder.column(0).append(static_cast<std::int64_t>(i));
      builder.column(1).append(Decimal(i) << 100);
      builder.end_row();
    }
    const Batch batch = builder.finish();
    const Buffer frame = encode_batch({}, batch);
    offsets.insert((reinterpret_cast<std::uintptr_t>(frame.data()) + frame.size() - 16 * rows) % 16);
    const auto decoded = decode(frame, schema);
    BOOST_TEST_REQUIRE(decoded.ok());
    const Buffer& values = decoded->columns[1].values_buffer();
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(values.data()) % alignof(Decimal) == 0u);
    for (std::size_t i = 0; i < rows; ++i) { BOOST_TEST((decoded->columns[1].value<Decimal>(i) == Decimal(i) << 100)); }
  }
  BOOST_TEST(offsets.size() == 2u);  // 0 and 8: both were tried
}

BOOST_AUTO_TEST_CASE(every_header_field_survives) {
  FrameHeader header;
  header.kind = FrameKind::kBarrier;
  header.idle = true;
  header.run = *parse_run_id("00112233445566778899aabbccddeeff");
  header.attempt = Attempt(7);
  header.channel = ChannelId(9);
  header.sequence = Sequence(11);
  header.watermark = -5;
  header.created_us = 123456789;
  header.epoch = Epoch(42);
  header.consumed_bytes = 99;
  const std::string bytes = encode_header(header);
  const auto back = decode_header({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  BOOST_TEST_REQUIRE(back.ok());
  BOOST_TEST((back->kind == header.kind && back->idle && back->run == header.run));
  BOOST_TEST((back->attempt == header.attempt && back->channel == header.channel && back->sequence == header.sequence));
  BOOST_TEST((back->watermark == -5 && back->epoch == header.epoch && back->consumed_bytes == 99));
  BOOST_TEST(to_string(back->run) == "00112233445566778899aabbccddeeff");
}

BOOST_AUTO_TEST_CASE(a_body_may_not_be_larger_than_the_limit) {
  for (const std::size_t size : {kFrameBodyMax, kFrameBodyMax + 1}) {
    FrameHeader header;
    header.body_size = static_cast<std::uint32_t>(size);
    const std::string bytes = encode_header(header);
    // Only the header is read.
    const auto decoded = decode_header({reinterpret_cast<const std::uint8_t*>(bytes.data()), kFrameHeaderSize + size});
    BOOST_TEST(decoded.ok() == (size == kFrameBodyMax));
  }
}

BOOST_AUTO_TEST_CASE(a_frame_cut_anywhere_is_refused) {
  const Batch batch = sample(20);
  const Buffer bytes = encode_batch({}, batch);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    BOOST_TEST(!decode({nullptr, bytes.data(), size}, batch.schema).ok());
  }
}

BOOST_AUTO_TEST_CASE(flipped_bytes_never_lead_outside_the_frame) {
  std::mt19937_64 random(20261122);
  const Batch batch = sample(50);
  const Buffer bytes = encode_batch({}, batch);
  for (int round = 0; round < 20000; ++round) {
    ByteBuilder copy;
    copy.append(bytes.data(), bytes.size());
    for (int flips = 0; flips < 3; ++flips) copy.data()[random() % copy.size()] = static_cast<std::uint8_t>(random());
    const Buffer frame = copy.finish();
    const auto decoded = decode(frame, batch.schema);
    if (!decoded.ok()) continue;
    for (std::size_t i = 0; i < decoded->rows; ++i) {
      const auto text = decoded->columns[1].bytes(i);
      BOOST_TEST_REQUIRE(reinterpret_cast<const std::uint8_t*>(text.data()) + text.size() <=
                         frame.data() + frame.size());
    }
  }
}

// In the place of an epoch, which neither has.
BOOST_AUTO_TEST_CASE(data_and_watermarks_carry_a_mark) {
  for (const FrameKind kind : {FrameKind::kData, FrameKind::kWatermark, FrameKind::kBarrier}) {
    FrameHeader header;
    header.kind = kind;
    header.origin_us = 1'769'000'000'123'456;
    header.epoch = Epoch(7);
    const std::string bytes = encode_header(header);
    const auto got = decode_header({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    BOOST_TEST_REQUIRE(got.ok());
    const bool barrier = kind == FrameKind::kBarrier;
    BOOST_TEST(got->origin_us == (barrier ? 0 : header.origin_us));
    BOOST_TEST(got->epoch.value() == (barrier ? 7U : 0U));
  }
}

BOOST_AUTO_TEST_SUITE_END()
