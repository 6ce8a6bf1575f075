#include "stages/format/debezium.h"

#include <cstring>

#include "stages/format/scan.h"

namespace stream::format {
namespace {

constexpr std::string_view kUnavailable = "\"__debezium_unavailable_value\"";

const JsonField* field_of(const JsonObject& object, std::string_view key) {
  for (const JsonField& field : object.fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

const char* skip_blanks(const char* p) {
  while (*p == ' ' || *p == '\t' || *p == '\r') ++p;
  return p;
}

bool is_null(const char* p) { return std::memcmp(p, "null", 4) == 0; }

// The row's image under the key, if there is one.
JsonField image(const JsonObject& envelope, std::string_view key) {
  const JsonField* field = field_of(envelope, key);
  return field == nullptr || field->text() == "null" ? JsonField{} : *field;
}

bool read_op(const JsonObject& envelope, Change& change, std::string& reason) {
  const JsonField* op = field_of(envelope, "op");
  const std::string_view text = op == nullptr ? "" : op->text();
  constexpr std::string_view kKnown = "crud";
  if (text.size() == 3 && kKnown.find(text[1]) != std::string_view::npos && text[0] == '"') {
    change.op = text[1];
    return true;
  }
  reason = op == nullptr ? "no change of Debezium: \"op\" is missing" : "op " + std::string(text) + " changes no row";
  return false;
}

}  // namespace

bool split_change(const char* record, JsonObject& object, Change& change, std::string& reason) {
  change = {};
  const char* start = skip_blanks(record);
  if (is_null(start) && *skip_blanks(start + 4) == '\n') return true;
  if (!object.split(record)) {
    reason = std::move(object.reason);
    return false;
  }
  if (object.blank) return true;
  if (const JsonField* payload = field_of(object, "payload"); payload != nullptr && field_of(object, "op") == nullptr) {
    const char* value = payload->value;
    if (payload->text() == "null") return true;
    if (!object.split_nested(value)) {
      reason = "payload: " + std::move(object.reason);
      return false;
    }
  }
  if (!read_op(object, change, reason)) return false;
  change.before = image(object, "before");
  change.after = image(object, "after");
  return true;
}

DebeziumDecoder::DebeziumDecoder(DecoderSetup setup, TextRules rules)
    : Decoder(std::move(setup)),
      rules_(std::move(rules)),
      before_row_(setup_, rules_.times()),
      after_row_(setup_, rules_.times()) {
  for (const std::string& name : setup_.options.key) {
    if (const auto column = setup_.wanted->find(name)) key_.push_back(*column);
  }
}

const char* DebeziumDecoder::decode_records(const char* begin, const char* end, bool /*last*/, BatchBuilder& batch) {
  const char* p = begin;
  while (p != end) {
    const char* record = p;
    p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p))) + 1;
    bool good = !too_long(record, p);
    if (!good) reason_ = "longer than " + std::to_string(setup_.options.record_size_max) + " bytes";
    good = good && split_change(record, envelope_, change_, reason_) && decode_record(batch);
    if (!good && !reject(record, p, std::move(reason_), batch)) break;
    if (good) skip_lines(1);
    if (good && batch.full()) break;  // asked each time: a record may give two rows
  }
  counters_.ambiguous_times = before_row_.reader().ambiguous_times() + after_row_.reader().ambiguous_times();
  return p;
}

bool DebeziumDecoder::decode_record(BatchBuilder& batch) {
  if (change_.op == 0) return true;
  const bool good = change_.op == 'u'   ? read_update(batch)
                    : change_.op == 'd' ? read_one(change_.before, RowKind::kDelete, batch)
                                        : read_one(change_.after, RowKind::kInsert, batch);
  if (good) ++counters_.records;
  return good;
}

bool DebeziumDecoder::split_row(const JsonField& value, JsonObject& object, JsonRow& row) {
  if (!object.split_nested(value.value)) {
    reason_ = std::string(value.key) + ": " + object.reason;
    return false;
  }
  if (row.assign(object)) return true;
  reason_ = row.take_reason();
  return false;
}

bool DebeziumDecoder::read_one(const JsonField& value, RowKind kind, BatchBuilder& batch) {
  if (value.value == nullptr) {
    reason_ = kind == RowKind::kDelete ? "a deletion without the row before it" : "a new row without the row after it";
    return false;
  }
  if (!split_row(value, after_, after_row_)) return false;
  if (!after_row_.read(after_, batch)) {
    reason_ = after_row_.take_reason();
    return false;
  }
  counters_.unknown_fields += after_row_.unknown();
  batch.end_row(kind);
  return true;
}

// Every column that the row has after the change, it must have before.
bool DebeziumDecoder::complete(const JsonRow& before, const JsonRow& after) {
  for (std::size_t i = 0; i < setup_.wanted->fields.size(); ++i) {
    if (after.field(i) == nullptr || before.field(i) != nullptr) continue;
    reason_ = "the row before the update has no column '" + setup_.wanted->fields[i].name +
              "': let the database log whole rows (REPLICA IDENTITY FULL, binlog_row_image=FULL)";
    return false;
  }
  return true;
}

void DebeziumDecoder::fill_unavailable() {
  for (std::size_t i = 0; i < setup_.wanted->fields.size(); ++i) {
    const JsonField*& field = after_row_.field(i);
    if (field != nullptr && field->text() == kUnavailable) field = before_row_.field(i);
  }
}

bool DebeziumDecoder::same_key() {
  for (const std::size_t column : key_) {
    const JsonField* before = before_row_.field(column);
    const JsonField* after = after_row_.field(column);
    const std::string_view old_text = before == nullptr ? "null" : before->text();
    const std::string_view new_text = after == nullptr ? "null" : after->text();
    if (old_text != new_text) return false;
  }
  return true;
}

bool DebeziumDecoder::read_update(BatchBuilder& batch) {
  if (change_.before.value == nullptr || change_.after.value == nullptr) {
    reason_ = change_.after.value == nullptr
                  ? "an update without the row after it"
                  : "an update without the row before it: let the database log whole rows (REPLICA IDENTITY FULL, "
                    "binlog_row_image=FULL)";
    return false;
  }
  if (!split_row(change_.before, before_, before_row_) || !split_row(change_.after, after_, after_row_)) return false;
  if (!complete(before_row_, after_row_)) return false;
  fill_unavailable();
  // Both rows' values before either row ends: what is bad of one drops both.
  if (!before_row_.read(before_, batch) || !after_row_.read(after_, batch)) {
    reason_ = before_row_.take_reason() + after_row_.take_reason();
    return false;
  }
  counters_.unknown_fields += after_row_.unknown();
  const bool pair = same_key();
  batch.end_row(pair ? RowKind::kUpdateBefore : RowKind::kDelete);
  batch.end_row(pair ? RowKind::kUpdateAfter : RowKind::kInsert);
  return true;
}

}  // namespace stream::format
