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
    : Decoder(std::move(setup)), rules_(std::move(rules)), reader_(rules_.times()) {
  const Schema& wanted = *setup_.wanted;
  wanted_ = wanted.fields.size();
  for (const auto& field : setup_.declared->fields) columns_.emplace(field.name, kSkip);
  for (std::size_t i = 0; i < wanted_; ++i) columns_[wanted.fields[i].name] = static_cast<int>(i);
  if (setup_.options.unknown_fields == UnknownFields::kKeep) {
    columns_.erase(std::string(kRestColumn));
    if (const auto rest = wanted.find(kRestColumn)) rest_column_ = static_cast<int>(*rest);
  }
}

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
  counters_.ambiguous_times = reader_.ambiguous_times();
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
                             : reader_.read_json(p, batch.column(static_cast<std::size_t>(step.column)));
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
  if (!assign_columns() || !read_columns(batch)) return nullptr;
  counters_.unknown_fields += unknown_;
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

int NdjsonDecoder::column_of(std::string_view key) {
  std::string_view text;
  if (!key_text(key, key_, text)) return kUnknown;
  const auto found = columns_.find(text);
  return found == columns_.end() ? kUnknown : found->second;
}

// Of equal keys the last one counts.
bool NdjsonDecoder::assign_columns() {
  targets_.clear();
  found_.assign(wanted_, nullptr);
  unknown_ = 0;
  repeated_ = false;
  for (const JsonField& field : object_.fields) {
    const int column = column_of(field.key);
    targets_.push_back(column);
    if (column >= 0) {
      const JsonField*& found = found_[static_cast<std::size_t>(column)];
      repeated_ = repeated_ || found != nullptr;
      found = &field;
    } else if (column == kUnknown) {
      ++unknown_;
      if (setup_.options.unknown_fields != UnknownFields::kError) continue;
      reason_ = "unknown field '" + std::string(field.key) + "'";
      return false;
    }
  }
  return true;
}

bool NdjsonDecoder::read_columns(BatchBuilder& batch) {
  for (std::size_t i = 0; i < wanted_; ++i) {
    if (static_cast<int>(i) == rest_column_) {
      if (!read_rest(batch)) return false;
    } else if (const JsonField* field = found_[i]; field == nullptr) {
      batch.column(i).append_null();
    } else if (reader_.read_json(field->value, batch.column(i)) != field->end) {
      const auto& column = setup_.wanted->fields[i];
      reason_ = bad_value(column.name, column.type, field->text(), rules_.times());
      return false;
    }
  }
  return true;
}

bool NdjsonDecoder::read_rest(BatchBuilder& batch) {
  ColumnBuilder& column = batch.column(static_cast<std::size_t>(rest_column_));
  if (unknown_ == 0) {
    column.append_null();
    return true;
  }
  rest_.clear();
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i] != kUnknown) continue;
    rest_ += rest_.empty() ? "{\"" : ",\"";
    rest_.append(object_.fields[i].key).append("\":").append(object_.fields[i].text());
  }
  rest_ += '}';
  if (!valid_json(rest_.data(), rest_.data() + rest_.size())) {
    reason_ = "an unknown field holds no valid JSON";
    return false;
  }
  column.append_bytes(rest_);
  return true;
}

void NdjsonDecoder::learn() {
  const std::size_t count = object_.fields.size();
  if (repeated_ || count > kLayoutFieldsMax || (rest_column_ >= 0 && unknown_ != 0)) return;
  Layout layout;
  layout.unknown = unknown_;
  const auto add = [&](const char* from, const char* to, int column) {
    const Step step{static_cast<std::uint32_t>(layout.text.size()), static_cast<std::uint32_t>(to - from), column};
    layout.text.append(from, to);
    return step;
  };
  for (std::size_t i = 0; i < count; ++i) {
    layout.steps.push_back(add(object_.fields[i].literal, object_.fields[i].value, targets_[i]));
  }
  layout.tail = add(object_.tail, object_.end, kSkip);
  if (layout.text.size() > kLayoutTextMax) return;
  layout.text.append(kScanPadding, '\0');
  for (std::size_t i = 0; i < wanted_; ++i) {
    if (found_[i] == nullptr) layout.missing.push_back(static_cast<int>(i));
  }
  if (layouts_.size() == kLayoutsMax) layouts_.pop_back();
  layouts_.insert(layouts_.begin(), std::move(layout));
}

}  // namespace stream::format
