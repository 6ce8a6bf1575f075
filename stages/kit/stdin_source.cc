#include "stages/kit/stdin_source.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "stages/format/infer.h"
#include "transport/base/clock.h"
#include "transport/base/sampled_input.h"

namespace stream {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kSampleSize = 1 << 20;

}  // namespace

bool StdinSource::readable(Microseconds patience) const {
  pollfd descriptor{0, POLLIN, 0};
  return ::poll(&descriptor, 1, static_cast<int>((patience + 999) / 1000)) > 0;
}

Status StdinSource::read_some() {
  char* space = buffer_.space(kReadSize);
  for (;;) {
    const ssize_t n = ::read(0, space, kReadSize);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", "standard input", errno);
    if (n == 0) at_end_ = true;
    buffer_.filled(static_cast<std::size_t>(n));
    return {};
  }
}

Result<bool> StdinSource::empty() {
  while (!at_end_ && buffer_.bytes().empty()) STREAM_TRY(read_some());
  return buffer_.bytes().empty();
}

// By the rule of SampledInput: one whole line, and what comes soon after it.
Status StdinSource::gather_sample() {
  const auto lines_from = [&](std::size_t begin) {
    const std::string_view bytes = buffer_.bytes().substr(begin);
    return static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  };
  const Clock& clock = system_clock();
  SampleView view{buffer_.bytes().size(), lines_from(0), 0, at_end_, 0};
  for (Microseconds line_at = clock.monotonic_us(); !sample_enough(view, kSampleSize); view.ended = at_end_) {
    if (view.lines == 0 || readable(kSamplePatience - view.since_line)) STREAM_TRY(read_some());
    const Microseconds now = clock.monotonic_us();
    if (view.lines == 0) line_at = now;
    view.lines += lines_from(view.bytes);
    view.bytes = buffer_.bytes().size();
    view.since_line = now - line_at;
  }
  return {};
}

Result<Schema> StdinSource::schema(const std::string& declared) {
  if (!declared.empty()) return parse_schema(declared);
  STREAM_TRY(gather_sample());
  STREAM_ASSIGN(Inferred inferred, infer_schema(options_, buffer_.bytes(), at_end_));
  return std::move(inferred.schema);
}

Status StdinSource::want(const Schema& schema, SchemaPtr wanted, bool raw_lines) {
  wanted_ = std::move(wanted);
  raw_lines_ = raw_lines;
  out_schema_ = wanted_;
  if (raw_lines) {
    Schema with = *wanted_;
    with.fields.push_back({std::string(kRawLineColumn), kVarchar});
    out_schema_ = std::make_shared<const Schema>(std::move(with));
  }
  DecoderSetup setup;
  setup.options = options_;
  setup.declared = std::make_shared<const Schema>(schema);
  setup.wanted = wanted_;
  builder_.emplace(wanted_);
  setup.on_bad_input = [this](BadInput bad) {
    if (bad_.empty()) rows_before_bad_ = builder_->rows();
    bad_.push_back({std::move(bad.reason), "stdin:" + std::to_string(bad.line), std::move(bad.text)});
    return Status();
  };
  STREAM_ASSIGN(decoder_, make_decoder(std::move(setup)));
  if (raw_lines) decoder_->record_extents(&extents_);
  return {};
}

Batch StdinSource::with_lines(Batch rows, std::string_view bytes) const {
  ColumnBuilder lines(kVarchar, rows.rows);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    std::string_view line = bytes.substr(extents_[i].offset - buffer_offset_, extents_[i].size);
    if (line.ends_with('\n')) line.remove_suffix(1);
    lines.append_bytes(line);
  }
  rows.columns.push_back(lines.finish());
  rows.schema = out_schema_;
  return rows;
}

// What comes before the first bad record is emitted before it is reported: it may end the stage.
Status StdinSource::emit(Batch rows, Emitter& out) {
  if (bad_.empty()) return rows.rows > 0 ? out.emit(std::move(rows)) : Status();
  if (rows_before_bad_ > 0) STREAM_TRY(out.emit(rows.slice(0, rows_before_bad_)));
  for (BadRecord& bad : bad_) STREAM_TRY(out.bad_record(std::move(bad)));
  bad_.clear();
  return rows_before_bad_ < rows.rows ? out.emit(rows.slice(rows_before_bad_, rows.rows)) : Status();
}

Result<Source::Poll> StdinSource::poll(Emitter& out) {
  extents_.clear();
  auto decoded = decoder_->decode(buffer_.bytes(), at_end_, *builder_);
  if (!decoded.ok()) return std::move(decoded).status().while_doing("standard input");
  const std::size_t used = *decoded;
  const bool progress = used > 0 || builder_->rows() > 0;
  Batch rows = builder_->finish();
  if (raw_lines_ && rows.rows > 0) rows = with_lines(std::move(rows), buffer_.bytes());
  STREAM_TRY(emit(std::move(rows), out));
  buffer_.consume(used);
  buffer_offset_ += used;
  if (progress) return Poll::kMore;
  if (at_end_) return Poll::kEnd;
  if (!readable(0)) return Poll::kIdle;
  STREAM_TRY(read_some());
  return Poll::kMore;
}

}  // namespace stream
