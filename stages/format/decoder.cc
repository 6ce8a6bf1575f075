#include "stages/format/decoder.h"

#include <cstring>

#include "stages/format/scan.h"

namespace stream {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

Decoder::Decoder(DecoderSetup setup) : setup_(std::move(setup)) {}
Decoder::~Decoder() = default;

Status Decoder::start_at(std::uint64_t offset, std::string_view head) {
  if (offset == 0) return {};
  consumed_ = offset;
  line_ = 0;
  at_start_ = false;
  if (head.starts_with(kByteOrderMark)) head.remove_prefix(kByteOrderMark.size());
  return read_head(head);
}

Status Decoder::report(BadInput bad) {
  ++counters_.bad_records;
  if (setup_.on_bad_input) return setup_.on_bad_input(std::move(bad));
  const std::string where = bad.line != 0 ? "line " + std::to_string(bad.line) : "offset " + std::to_string(bad.offset);
  return {Code::kBadRecord, where + ": " + bad.reason};
}

void Decoder::accept(const char* begin, const char* end, BatchBuilder& batch, std::uint64_t lines) {
  batch.end_row();
  ++counters_.records;
  skip_lines(lines);
  if (extents_ != nullptr) {
    extents_->push_back(
        {region_offset_ + static_cast<std::uint64_t>(begin - region_), static_cast<std::uint64_t>(end - begin)});
  }
}

bool Decoder::reject(const char* begin, const char* end, std::string reason, BatchBuilder& batch, std::uint64_t lines) {
  batch.drop_row();
  const std::string_view text = without_line_end({begin, static_cast<std::size_t>(end - begin)});
  BadInput bad{std::move(reason), region_offset_ + static_cast<std::uint64_t>(begin - region_), line_,
               std::string(text.substr(0, kBadRecordTextMax))};
  skip_lines(lines);
  status_ = report(std::move(bad));
  return status_.ok();
}

const char* Decoder::find_record_end(const char* begin, const char* end, Skipping& /*state*/) const {
  const auto size = static_cast<std::size_t>(end - begin);
  const auto* newline = size == 0 ? nullptr : static_cast<const char*>(std::memchr(begin, '\n', size));
  return newline == nullptr ? nullptr : newline + 1;
}

void Decoder::start_skipping(std::string_view bytes) {
  skipping_ = {true, false, 0, {}};
  go_on_skipping(bytes, false);
}

std::size_t Decoder::go_on_skipping(std::string_view bytes, bool last) {
  const char* end = find_record_end(bytes.data(), bytes.data() + bytes.size(), skipping_);
  const std::size_t count = end == nullptr ? bytes.size() : static_cast<std::size_t>(end - bytes.data());
  const std::size_t room = kBadRecordTextMax - skipping_.text.size();
  skipping_.text.append(bytes.substr(0, std::min(count, room)));
  const std::uint64_t start = consumed_ - skipping_.size;
  consumed_ += count;
  skipping_.size += count;
  if (end == nullptr && !last) return count;
  status_ = report({"longer than " + std::to_string(setup_.options.record_size_max) + " bytes", start, line_,
                    std::string(without_line_end(skipping_.text))});
  skip_lines(1);
  skipping_ = {};
  return count;
}

// The line end that the stream's last record did not have.
void Decoder::take_back_line_end() {
  --consumed_;
  if (extents_ == nullptr || extents_->empty()) return;
  RecordExtent& extent = extents_->back();
  if (extent.offset + extent.size > consumed_) extent.size = consumed_ - extent.offset;
}

std::size_t Decoder::decode_region(std::string_view bytes, bool last, BatchBuilder& batch) {
  region_ = checked_at_ = bytes.data();
  region_offset_ = consumed_;
  const char* stop = decode_records(bytes.data(), bytes.data() + bytes.size(), last, batch);
  const auto count = static_cast<std::size_t>(stop - bytes.data());
  consumed_ += count;
  return count;
}

Result<std::size_t> Decoder::decode(std::string_view bytes, bool last, BatchBuilder& batch) {
  std::size_t done = 0;
  if (skipping_.active) {
    done = go_on_skipping(bytes, last);
    if (!status_.ok()) return std::exchange(status_, {});
    if (skipping_.active) return done;
  }
  if (at_start_) {
    if (!last && bytes.size() < kByteOrderMark.size()) return done;
    if (bytes.starts_with(kByteOrderMark)) consumed_ = done = kByteOrderMark.size();
    at_start_ = false;
  }
  std::string_view rest = bytes.substr(done);
  const std::size_t whole = rest.rfind('\n') + 1;  // npos + 1 = 0
  if (whole != 0) {
    const std::size_t count = decode_region(rest.substr(0, whole), last && whole == rest.size(), batch);
    done += count;
    rest.remove_prefix(count);
    if (!status_.ok()) return std::exchange(status_, {});
    if (batch.full() || rest.empty()) return done;
  }
  if (last && !rest.empty() && rest.size() <= setup_.options.record_size_max) {
    std::string tail(rest);
    tail += '\n';
    tail.append(kInputPadding, '\0');
    const std::size_t count = decode_region({tail.data(), rest.size() + 1}, true, batch);
    if (count > rest.size()) take_back_line_end();
    done += std::min(count, rest.size());
    if (!status_.ok()) return std::exchange(status_, {});
  } else if (rest.size() > setup_.options.record_size_max) {
    start_skipping(rest);
    done += rest.size();
    if (last && skipping_.active) go_on_skipping({}, true);
    if (!status_.ok()) return std::exchange(status_, {});
  }
  return done;
}

}  // namespace stream
