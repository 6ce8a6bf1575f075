#include "stages/format/line.h"

#include <cstring>

#include "stages/format/json_text.h"

namespace stream::format {

LineDecoder::LineDecoder(DecoderSetup setup, TextRules rules, std::unique_ptr<LineSplitter> splitter)
    : Decoder(std::move(setup)), rules_(std::move(rules)), reader_(rules_.times()), splitter_(std::move(splitter)) {
  if (setup_.options.unknown_fields != UnknownFields::kKeep) return;
  if (const auto rest = setup_.wanted->find(kRestColumn)) rest_column_ = static_cast<int>(*rest);
}

const char* LineDecoder::decode_records(const char* begin, const char* end, bool /*last*/, BatchBuilder& batch) {
  const char* p = begin;
  while (p != end) {
    const char* start = p;
    const auto* newline = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
    p = newline + 1;
    std::string_view line(start, static_cast<std::size_t>(newline - start));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!splitter_->keeps_blank() && line.find_first_not_of(" \t\r") == std::string_view::npos) {
      skip_lines(1);
      continue;
    }
    bool good = !too_long(start, p);
    if (!good) reason_ = "longer than " + std::to_string(setup_.options.record_size_max) + " bytes";
    good = good && decode_line(line, batch);
    if (good) {
      accept(start, p, batch);
      if (batch_full(p, batch)) break;
    } else if (!reject(start, p, std::move(reason_), batch)) {
      break;
    }
  }
  counters_.ambiguous_times = reader_.ambiguous_times();
  return p;
}

int LineDecoder::column_of(std::string_view name) const {
  if (rest_column_ >= 0 && name == kRestColumn) return kUnknown;
  if (const auto column = setup_.wanted->find(name)) return static_cast<int>(*column);
  return setup_.declared->find(name) ? kSkip : kUnknown;
}

bool LineDecoder::decode_line(std::string_view line, BatchBuilder& batch) {
  fields_.clear();
  reason_.clear();
  if (!splitter_->split(line, fields_, reason_)) return false;
  found_.assign(setup_.wanted->fields.size(), nullptr);
  rest_.clear();
  std::uint64_t unknown = 0;
  for (const LineField& field : fields_) {
    const int column = column_of(field.name);
    if (column >= 0) found_[static_cast<std::size_t>(column)] = &field;
    if (column != kUnknown) continue;
    if (setup_.options.unknown_fields == UnknownFields::kError) {
      reason_ = "unknown field '" + std::string(field.name) + "'";
      return false;
    }
    ++unknown;
    if (rest_column_ >= 0 && field.present) append_member(field.name, field.text, rest_);
  }
  if (!read_columns(batch)) return false;
  counters_.unknown_fields += unknown;
  return true;
}

bool LineDecoder::read_columns(BatchBuilder& batch) {
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (static_cast<int>(i) == rest_column_) {
      if (rest_.empty()) {
        batch.column(i).append_null();
      } else {
        batch.column(i).append_bytes(rest_ += '}');
      }
    } else if (found_[i] == nullptr) {
      batch.column(i).append_null();
    } else if (!read_field(*found_[i], batch.column(i))) {
      const auto& column = setup_.wanted->fields[i];
      reason_ = bad_value(column.name, column.type, found_[i]->text, rules_.times());
      return false;
    }
  }
  return true;
}

bool LineDecoder::read_field(const LineField& field, ColumnBuilder& column) {
  const bool text = column.type().kind == TypeKind::kVarchar || column.type().kind == TypeKind::kBlob;
  if (!field.present || (field.text.empty() && !text)) {
    column.append_null();
    return true;
  }
  return reader_.read_text(field.text, column);
}

}  // namespace stream::format
