#include "stages/format/json_row.h"

namespace stream::format {

JsonRow::JsonRow(const DecoderSetup& setup, const TimeRules& times) : setup_(setup), times_(times), reader_(times) {
  const Schema& wanted = *setup_.wanted;
  for (const auto& field : setup_.declared->fields) columns_.emplace(field.name, kSkip);
  for (std::size_t i = 0; i < wanted.fields.size(); ++i) columns_[wanted.fields[i].name] = static_cast<int>(i);
  if (setup_.options.unknown_fields == UnknownFields::kKeep) {
    columns_.erase(std::string(kRestColumn));
    if (const auto rest = wanted.find(kRestColumn)) rest_column_ = static_cast<int>(*rest);
  }
}

int JsonRow::column_of(std::string_view key) {
  std::string_view text;
  if (!key_text(key, key_, text)) return kUnknown;
  const auto found = columns_.find(text);
  return found == columns_.end() ? kUnknown : found->second;
}

bool JsonRow::assign(const JsonObject& object) {
  targets_.clear();
  found_.assign(setup_.wanted->fields.size(), nullptr);
  unknown_ = 0;
  repeated_ = false;
  for (const JsonField& field : object.fields) {
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

bool JsonRow::read(const JsonObject& object, BatchBuilder& batch) {
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (static_cast<int>(i) == rest_column_) {
      if (!read_rest(object, batch.column(i))) return false;
    } else if (const JsonField* field = found_[i]; field == nullptr) {
      batch.column(i).append_null();
    } else if (reader_.read_json(field->value, batch.column(i)) != field->end) {
      const auto& column = setup_.wanted->fields[i];
      reason_ = bad_value(column.name, column.type, field->text(), times_);
      return false;
    }
  }
  return true;
}

bool JsonRow::read_rest(const JsonObject& object, ColumnBuilder& column) {
  if (unknown_ == 0) {
    column.append_null();
    return true;
  }
  rest_.clear();
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i] != kUnknown) continue;
    rest_ += rest_.empty() ? "{\"" : ",\"";
    rest_.append(object.fields[i].key).append("\":").append(object.fields[i].text());
  }
  rest_ += '}';
  if (!valid_json(rest_.data(), rest_.data() + rest_.size())) {
    reason_ = "an unknown field holds no valid JSON";
    return false;
  }
  column.append_bytes(rest_);
  return true;
}

}  // namespace stream::format
