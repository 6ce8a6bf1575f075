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

const char* skip_blanks(const char* p) {
  while (*p == ' ' || *p == '\t' || *p == '\r') ++p;
  return p;
}

const char* next_line(const char* p, const char* end) {
  return static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p))) + 1;
}

std::string_view text_between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
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
    blank_ = false;
    p = by_any_layout(record, batch);
    if (p == nullptr) p = by_key(record, batch);
    if (p == nullptr || too_long(record, p)) {
      if (p != nullptr) fail("longer than " + std::to_string(setup_.options.record_size_max) + " bytes");
      p = next_line(record, end);
      if (!reject(record, p, std::move(reason_), batch)) break;
    } else if (blank_) {
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
      next = step.column < 0 ? skip_json_value(p) : reader_.read_json(p, batch.column(static_cast<std::size_t>(step.column)));
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

const char* NdjsonDecoder::fail(std::string reason) {
  reason_ = std::move(reason);
  return nullptr;
}

const char* NdjsonDecoder::by_key(const char* record, BatchBuilder& batch) {
  const char* p = skip_blanks(record);
  blank_ = *p == '\n';
  if (blank_) return p + 1;
  if (*p != '{') return fail("not a JSON object");
  fields_.clear();
  unknown_ = 0;
  repeated_ = false;
  fields_.push_back({record, nullptr, nullptr, {}, kSkip});  // only its literal counts, see find_fields()
  const char* tail = find_fields(p + 1);
  if (tail == nullptr) return nullptr;
  const char* end = skip_blanks(skip_blanks(tail) + 1);
  if (*end != '\n') return fail("text behind the JSON object");
  ++end;
  if (unknown_ != 0 && setup_.options.unknown_fields == UnknownFields::kError) {
    for (const Field& field : fields_) {
      if (field.column == kUnknown) return fail("unknown field '" + std::string(field.key) + "'");
    }
  }
  if (!read_columns(batch)) return nullptr;
  counters_.unknown_fields += unknown_;
  if (speculation_ && pause_ == 0) {
    score_ -= kScorePerMiss;
    if (score_ < -kScoreMax) {
      score_ = 0;
      pause_ = kPause;
    } else {
      learn(tail, end);
    }
  }
  return end;
}

// Fills fields_ behind its placeholder; returns the end of the last value, or of the opening brace.
const char* NdjsonDecoder::find_fields(const char* p) {
  const char* literal = fields_[0].literal;
  const char* after_brace = p;
  p = skip_blanks(p);
  if (*p == '}') return after_brace;
  for (;;) {
    const char* end = find_field(p, literal);
    if (end == nullptr) return nullptr;
    literal = end;
    p = skip_blanks(end);
    if (*p == '}') return end;
    if (*p != ',') return fail("',' or '}' is missing");
    p = skip_blanks(p + 1);
  }
}

const char* NdjsonDecoder::find_field(const char* p, const char* literal) {
  if (*p != '"') return fail("a key is missing");
  const char* key_end = skip_json_string(p + 1);
  if (key_end == nullptr) return fail("a key is broken");
  Field field{literal, nullptr, nullptr, text_between(p + 1, key_end - 1), kSkip};
  p = skip_blanks(key_end);
  if (*p != ':') return fail("':' is missing behind \"" + std::string(field.key) + "\"");
  field.value = skip_blanks(p + 1);
  field.end = skip_json_value(field.value);
  if (field.end == nullptr) return fail("the value of \"" + std::string(field.key) + "\" is broken");
  field.column = column_of(field.key);
  unknown_ += field.column == kUnknown;
  fields_.push_back(field);
  return field.end;
}

int NdjsonDecoder::column_of(std::string_view key) {
  if (key.find('\\') != std::string_view::npos) {
    key_.clear();
    if (!unescape_json(key, key_)) return kUnknown;
    key = key_;
  }
  const auto found = columns_.find(key);
  return found == columns_.end() ? kUnknown : found->second;
}

bool NdjsonDecoder::read_columns(BatchBuilder& batch) {
  found_.assign(wanted_, nullptr);
  for (const Field& field : fields_) {
    if (field.column < 0) continue;
    const Field*& found = found_[static_cast<std::size_t>(field.column)];
    repeated_ = repeated_ || found != nullptr;
    found = &field;
  }
  for (std::size_t i = 0; i < wanted_; ++i) {
    if (static_cast<int>(i) == rest_column_) {
      if (!read_rest(batch)) return false;
    } else if (const Field* field = found_[i]; field == nullptr) {
      batch.column(i).append_null();
    } else if (reader_.read_json(field->value, batch.column(i)) != field->end) {
      const auto& column = setup_.wanted->fields[i];
      fail(bad_value(column.name, column.type, text_between(field->value, field->end), rules_.times()));
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
  for (const Field& field : fields_) {
    if (field.column != kUnknown) continue;
    rest_ += rest_.empty() ? "{\"" : ",\"";
    rest_.append(field.key).append("\":").append(field.value, field.end);
  }
  rest_ += '}';
  if (!valid_json(rest_.data(), rest_.data() + rest_.size())) {
    fail("an unknown field holds no valid JSON");
    return false;
  }
  column.append_bytes(rest_);
  return true;
}

void NdjsonDecoder::learn(const char* tail, const char* end) {
  if (repeated_ || fields_.size() > kLayoutFieldsMax || (rest_column_ >= 0 && unknown_ != 0)) return;
  Layout layout;
  layout.unknown = unknown_;
  const auto add = [&](const char* from, const char* to, int column) {
    const Step step{static_cast<std::uint32_t>(layout.text.size()), static_cast<std::uint32_t>(to - from), column};
    layout.text.append(from, to);
    return step;
  };
  for (std::size_t i = 1; i < fields_.size(); ++i) {
    layout.steps.push_back(add(fields_[i].literal, fields_[i].value, fields_[i].column));
  }
  layout.tail = add(fields_.size() == 1 ? fields_[0].literal : tail, end, kSkip);
  if (layout.text.size() > kLayoutTextMax) return;
  layout.text.append(kScanPadding, '\0');
  for (std::size_t i = 0; i < wanted_; ++i) {
    if (found_[i] == nullptr) layout.missing.push_back(static_cast<int>(i));
  }
  if (layouts_.size() == kLayoutsMax) layouts_.pop_back();
  layouts_.insert(layouts_.begin(), std::move(layout));
}

}  // namespace stream::format
