#include "stages/format/ndjson.h"

#include <algorithm>
#include <cstring>

#include "stages/format/scan.h"

namespace stream::format {
namespace {

constexpr std::size_t kLayoutsMax = 4;
constexpr std::size_t kLayoutTextMax = 8192;
constexpr std::size_t kLayoutFieldsMax = 512;
constexpr int kScoreMax = 64;
constexpr int kScorePerMiss = 2;
constexpr std::uint32_t kPause = 4096;

const char* next_line(const char* p, const char* end) {
  return static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p))) + 1;
}

}  // namespace

NdjsonDecoder::NdjsonDecoder(DecoderSetup setup, TextRules rules)
    : Decoder(std::move(setup)),
      rules_(std::move(rules)),
      row_(setup_, rules_.times()),
      wanted_(setup_.wanted->fields.size()) {}

const char* NdjsonDecoder::decode_records(const char* begin, const char* end, bool /*last*/, BatchBuilder& batch) {
  const char* p = begin;
  while (p != end) {
    const char* record = p;
    object_.blank = false;
    p = by_any_layout(record, batch);
    if (p == nullptr) p = by_key(record, batch);
    if (p != nullptr && too_long(record, p)) {
      reason_ = "longer than " + std::to_string(setup_.options.record_size_max) + " bytes";
      p = nullptr;
    }
    if (p == nullptr) {
      p = next_line(record, end);
      if (!reject(record, p, std::move(reason_), batch)) break;
    } else if (object_.blank) {
      skip_lines(1);
    } else {
      accept(record, p, batch);
      if (batch_full(p, batch)) break;
    }
  }
  counters_.ambiguous_times = row_.reader().ambiguous_times();
  return p;
}

const char* NdjsonDecoder::by_any_layout(const char* p, BatchBuilder& batch) {
  if (pause_ != 0) {
    --pause_;
    return nullptr;
  }
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    const char* end = by_layout(layouts_[i], p, batch);
    if (end == nullptr) continue;
    if (i != 0) std::swap(layouts_[0], layouts_[i]);
    score_ += score_ < kScoreMax;
    counters_.unknown_fields += layouts_[0].unknown;
    ++fast_records_;
    return end;
  }
  return nullptr;
}

const char* NdjsonDecoder::by_layout(const Layout& layout, const char* p, BatchBuilder& batch) {
  const char* text = layout.text.data();
  bool touched = false;
  for (const Step& step : layout.steps) {
    const char* next = nullptr;
    if (matches(p, text + step.literal, step.size)) {
      p += step.size;
      touched = touched || step.column >= 0;
      next = step.column < 0 ? skip_json_value(p)
                             : row_.reader().read_json(p, batch.column(static_cast<std::size_t>(step.column)));
    }
    if (next == nullptr) {
      if (touched) batch.drop_row();
      return nullptr;
    }
    p = next;
  }
  if (!matches(p, text + layout.tail.literal, layout.tail.size)) {
    if (touched) batch.drop_row();
    return nullptr;
  }
  for (const int column : layout.missing) batch.column(static_cast<std::size_t>(column)).append_null();
  return p + layout.tail.size;
}

const char* NdjsonDecoder::by_key(const char* record, BatchBuilder& batch) {
  if (!object_.split(record)) {
    reason_ = std::move(object_.reason);
    return nullptr;
  }
  if (object_.blank) return object_.end;
  if (!row_.assign(object_) || !row_.read(object_, batch)) {
    reason_ = row_.take_reason();
    return nullptr;
  }
  counters_.unknown_fields += row_.unknown();
  if (!speculation_ || pause_ != 0) return object_.end;
  score_ -= kScorePerMiss;
  if (score_ < -kScoreMax) {
    score_ = 0;
    pause_ = kPause;
  } else {
    learn();
  }
  return object_.end;
}

void NdjsonDecoder::learn() {
  const std::size_t count = object_.fields.size();
  if (row_.repeated() || count > kLayoutFieldsMax || (row_.rest_kept() && row_.unknown() != 0)) return;
  Layout layout;
  layout.unknown = row_.unknown();
  const auto add = [&](const char* from, const char* to, int column) {
    const Step step{static_cast<std::uint32_t>(layout.text.size()), static_cast<std::uint32_t>(to - from), column};
    layout.text.append(from, to);
    return step;
  };
  for (std::size_t i = 0; i < count; ++i) {
    layout.steps.push_back(add(object_.fields[i].literal, object_.fields[i].value, row_.target(i)));
  }
  layout.tail = add(object_.tail, object_.end, JsonRow::kSkip);
  if (layout.text.size() > kLayoutTextMax) return;
  layout.text.append(kScanPadding, '\0');
  for (std::size_t i = 0; i < wanted_; ++i) {
    if (row_.field(i) == nullptr) layout.missing.push_back(static_cast<int>(i));
  }
  if (layouts_.size() == kLayoutsMax) layouts_.pop_back();
  layouts_.insert(layouts_.begin(), std::move(layout));
}

}  // namespace stream::format
