#include "stages/format/csv.h"

#include <algorithm>
#include <cstring>

#include "stages/format/json_text.h"
#include "stages/format/scan.h"

namespace stream::format {
namespace {

constexpr std::size_t kNoField = static_cast<std::size_t>(-1);

const char* field_stop(const char* p, char delimiter) {
  const __m128i delimiters = _mm_set1_epi8(delimiter);
  const __m128i newlines = _mm_set1_epi8('\n');
  for (;; p += 16) {
    const __m128i bytes = load16(p);
    const unsigned found = bits_of(_mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, newlines)));
    if (found != 0) return p + __builtin_ctz(found);
  }
}

const char* find(const char* p, const char* end, char c) {
  return static_cast<const char*>(std::memchr(p, c, static_cast<std::size_t>(end - p)));
}

// Reads the quoted field at p (on the opening quote); returns the byte behind the closing one, or null.
const char* split_quoted(const char* p, const char* end, CsvField& field, CsvRecord& record) {
  field.quoted = true;
  field.begin = ++p;
  for (;; p += 2) {
    p = find(p, end, '"');
    if (p == nullptr) return nullptr;
    if (p[1] != '"' || p + 1 == end) break;
    field.doubled = true;
  }
  field.end = p;
  record.lines += static_cast<std::uint64_t>(std::count(field.begin, field.end, '\n'));
  return p + 1;
}

bool at_line_end(const char* p) { return *p == '\n' || (*p == '\r' && p[1] == '\n'); }

}  // namespace

std::string_view CsvField::text(std::string& scratch) const {
  if (!doubled) return raw();
  scratch.clear();
  for (const char* p = begin; p != end; ++p) {
    scratch += *p;
    p += *p == '"';
  }
  return scratch;
}

void split_csv(const char* begin, const char* end, char delimiter, CsvRecord& record) {
  record.fields.clear();
  record.end = nullptr;
  record.lines = 1;
  record.reason = nullptr;
  const char* p = begin;
  for (;;) {
    CsvField field{p, p};
    if (*p == '"') {
      p = split_quoted(p, end, field, record);
      if (p == nullptr) return;
      if (*p != delimiter && !at_line_end(p)) {
        record.reason = "text behind a closing quote";
        record.end = find(p, end, '\n') + 1;
        return;
      }
      p += *p == '\r' && delimiter != '\r';
    } else {
      p = field_stop(p, delimiter);
      field.end = p - (*p == '\n' && p != field.begin && p[-1] == '\r');
    }
    record.fields.push_back(field);
    if (*p++ == '\n') {
      record.end = p;
      return;
    }
  }
}

CsvDecoder::CsvDecoder(DecoderSetup setup, TextRules rules)
    : Decoder(std::move(setup)), rules_(std::move(rules)), reader_(rules_.times()) {
  if (setup_.options.header) return;
  std::vector<std::string> names = setup_.declared->names();
  if (setup_.options.unknown_fields == UnknownFields::kKeep) std::erase(names, kRestColumn);
  status_ = set_names(names);
}

Status CsvDecoder::set_names(const std::vector<std::string>& names) {
  const Schema& wanted = *setup_.wanted;
  const bool keep = setup_.options.unknown_fields == UnknownFields::kKeep;
  names_ = names;
  columns_.clear();
  field_of_.assign(wanted.fields.size(), kNoField);
  unknown_ = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::count(names.begin(), names.end(), names[i]) > 1)
      return usage_error("header: names '" + names[i] + "' twice");
    const bool known = setup_.declared->find(names[i]).has_value() && !(keep && names[i] == kRestColumn);
    if (!known && setup_.options.unknown_fields == UnknownFields::kError)
      return usage_error("header: unknown field '" + names[i] + "'");
    unknown_ += !known;
    const auto column = known ? wanted.find(names[i]) : std::nullopt;
    columns_.push_back(column ? static_cast<int>(*column) : known ? kSkip : kUnknown);
    if (column) field_of_[*column] = i;
  }
  for (const auto& field : setup_.declared->fields) {
    if (keep && field.name == kRestColumn) continue;
    if (std::find(names.begin(), names.end(), field.name) == names.end()) {
      return usage_error("header: column '" + field.name + "' is missing");
    }
  }
  has_names_ = true;
  return {};
}

Status CsvDecoder::take_header(const CsvRecord& record) {
  if (record.reason != nullptr) return usage_error(std::string("header: ") + record.reason);
  std::vector<std::string> names;
  for (const CsvField& field : record.fields) names.emplace_back(field.text(scratch_));
  return set_names(names);
}

Status CsvDecoder::read_head(std::string_view head) {
  if (!setup_.options.header) return {};
  std::string text(head);
  if (!text.ends_with('\n')) text += '\n';
  const std::size_t size = text.size();
  text.append(kInputPadding, '\0');
  split_csv(text.data(), text.data() + size, setup_.options.delimiter, record_);
  if (record_.end == nullptr) return usage_error("header: a quote is not closed");
  return take_header(record_);
}

const char* CsvDecoder::decode_records(const char* begin, const char* end, bool last, BatchBuilder& batch) {
  const char* p = begin;
  while (p != end && status_.ok()) {
    const char* start = p;
    split_csv(start, end, setup_.options.delimiter, record_);
    if (record_.end == nullptr) {
      if (!last) return start;
      reject(start, end, "a quote is not closed", batch, record_.lines);
      return end;
    }
    p = record_.end;
    if (!has_names_) {
      status_ = take_header(record_);
      skip_lines(record_.lines);
      continue;
    }
    if (!decode_record(start, batch) || batch_full(p, batch)) break;
  }
  counters_.ambiguous_times = reader_.ambiguous_times();
  return p;
}

bool CsvDecoder::decode_record(const char* begin, BatchBuilder& batch) {
  const auto bad = [&](std::string reason) {
    return reject(begin, record_.end, std::move(reason), batch, record_.lines);
  };
  if (record_.reason != nullptr) return bad(record_.reason);
  if (too_long(begin, record_.end))
    return bad("longer than " + std::to_string(setup_.options.record_size_max) + " bytes");
  const std::size_t count = record_.fields.size();
  if (count != columns_.size()) {
    if (count == 1 && record_.fields[0].raw().empty() && !record_.fields[0].quoted) {
      skip_lines(1);  // a blank line
      return true;
    }
    return bad(std::to_string(count) + " fields instead of " + std::to_string(columns_.size()));
  }
  if (!read_columns(batch)) return bad(std::move(reason_));
  counters_.unknown_fields += unknown_;
  accept(begin, record_.end, batch, record_.lines);
  return true;
}

bool CsvDecoder::read_columns(BatchBuilder& batch) {
  for (std::size_t i = 0; i < field_of_.size(); ++i) {
    if (field_of_[i] == kNoField) {
      read_rest(batch);
      continue;
    }
    const CsvField& field = record_.fields[field_of_[i]];
    if (read_field(field, batch.column(i))) continue;
    const auto& column = setup_.wanted->fields[i];
    reason_ = bad_value(column.name, column.type, field.text(scratch_), rules_.times());
    return false;
  }
  return true;
}

bool CsvDecoder::read_field(const CsvField& field, ColumnBuilder& column) {
  const bool text = column.type().kind == TypeKind::kVarchar || column.type().kind == TypeKind::kBlob;
  if (field.begin == field.end && !(field.quoted && text)) {
    column.append_null();
    return true;
  }
  return reader_.read_text(field.text(scratch_), column);
}

void CsvDecoder::read_rest(BatchBuilder& batch) {
  ColumnBuilder& column = batch.column(*setup_.wanted->find(kRestColumn));
  std::string rest;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const CsvField& field = record_.fields[i];
    if (columns_[i] != kUnknown || (field.begin == field.end && !field.quoted)) continue;
    append_member(names_[i], field.text(scratch_), rest);
  }
  if (rest.empty()) return column.append_null();
  column.append_bytes(rest + "}");
}

const char* CsvDecoder::find_record_end(const char* begin, const char* end, Skipping& state) const {
  for (const char* p = begin; p != end; ++p) {
    if (*p == '"') state.quoted = !state.quoted;
    if (*p == '\n' && !state.quoted) return p + 1;
  }
  return nullptr;
}

}  // namespace stream::format
