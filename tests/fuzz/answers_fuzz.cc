// What a program answers: any bytes, whole and in pieces, give the same rows. What it says beside that is talk or
// counts; a line of it may echo a barrier.
//
// The first byte picks the format, the second the size of the pieces.
#include <cstdint>

#include "stages/exec/answers.h"
#include "stages/exec/error_lines.h"
#include "stages/exec/exchange.h"
#include "stages/format/encoder.h"
#include "stages/format/input_buffer.h"
#include "transport/base/check.h"

namespace {

using namespace stream;

class Texts final : public Emitter {
 public:
  explicit Texts(const SchemaPtr& schema) : encoder_(make_encoder({}, schema)) {}
  Status emit(Batch batch, std::size_t /*output*/) override {
    encoder_->encode(batch, bytes_);
    return {};
  }
  Status bad_record(BadRecord record) override {
    bad_ += record.reason + record.record + '\n';
    return {};
  }
  void late_records(std::uint64_t /*count*/, std::size_t /*output*/) override {}
  bool full() const override { return false; }
  std::string text() const { return bad_ + std::string(reinterpret_cast<const char*>(bytes_.data()), bytes_.size()); }

 private:
  std::unique_ptr<Encoder> encoder_;
  ByteBuilder bytes_;
  std::string bad_;
};

std::string answered(Format format, std::string_view bytes, std::size_t piece) {
  const auto schema = std::make_shared<const Schema>(
      *parse_schema(format == Format::kText ? "line varchar" : "i bigint, s varchar, t timestamp, j json"));
  Answers::Setup setup;
  setup.format.format = format;
  setup.format.header = false;
  setup.format.record_size_max = 256;
  setup.declared = setup.wanted = schema;
  setup.held_max = 1 << 30;
  Answers answers(setup);
  STREAM_CHECK(answers.begin().ok());
  InputBuffer buffer(64);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    buffer.append(bytes.substr(at, piece));
    const auto taken = answers.take(buffer.bytes(), false);
    if (!taken.ok()) return taken.status().what();
    buffer.consume(*taken);
  }
  const auto taken = answers.take(buffer.bytes(), true);
  if (!taken.ok()) return taken.status().what();
  answers.accept();
  Texts out(schema);
  STREAM_CHECK(answers.emit(out).ok());
  return out.text();
}

void talk(std::string_view bytes, std::size_t piece) {
  UserMetrics metrics;
  ErrorLines errors(metrics, [](std::string_view) {});
  for (std::size_t at = 0; at < bytes.size(); at += piece) errors.add(bytes.substr(at, piece));
  errors.finish();
  (void)errors.last();
  for (const ExecMode mode : {ExecMode::kLine, ExecMode::kBarrier}) {
    Exchange exchange(mode);
    exchange.begin(2);
    for (std::size_t at = 0; at < bytes.size(); at += piece) (void)exchange.on_line(bytes.substr(at, piece));
    STREAM_CHECK(exchange.kept() <= 2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr Format kFormats[] = {Format::kNdjson, Format::kCsv, Format::kText, Format::kLogfmt};
  if (size < 2) return 0;
  const Format format = kFormats[data[0] % std::size(kFormats)];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t piece = 1 + data[1];
  STREAM_CHECK(answered(format, bytes, piece) == answered(format, bytes, SIZE_MAX / 2));
  talk(bytes, piece);
  return 0;
}
