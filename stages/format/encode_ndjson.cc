#include "stages/format/encode_ndjson.h"

#include <cmath>
#include <cstring>

#include "stages/format/json_text.h"
#include "stages/format/json_value.h"
#include "stages/format/value.h"

namespace stream::format {
namespace {

char* write_text(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

NdjsonEncoder::NdjsonEncoder(const EncoderOptions& options, const Schema& schema) : row_kinds_(options.row_kinds) {
  fixed_size_ = 32;
  for (const Field& field : schema.fields) {
    std::string key(escaped_size(field.name.size()) + 32, '\0');
    char* end = key.data();
    *end++ = '"';
    end = escape_json(end, field.name);
    end = write_text(end, "\":");
    key.resize(static_cast<std::size_t>(end - key.data()));
    fixed_size_ += key.size() + 4 + (field.type.variable() ? 16 : kIntervalSize);
    keys_.push_back(std::move(key));
  }
}

std::size_t NdjsonEncoder::row_size(const Batch& batch, std::size_t row) const {
  std::size_t size = fixed_size_;
  for (const Column& column : batch.columns) {
    if (column.type().variable()) size += escaped_size(column.bytes(row).size());
  }
  return size;
}

void NdjsonEncoder::encode(const Batch& batch, ByteBuilder& out) {
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const std::size_t start = out.size();
    auto* begin = reinterpret_cast<char*>(out.extend(row_size(batch, row)));
    const char* end = write_row(begin, batch, row);
    out.shrink(start + static_cast<std::size_t>(end - begin));
  }
  counters_.rows += batch.rows;
}

char* NdjsonEncoder::write_row(char* to, const Batch& batch, std::size_t row) {
  *to++ = '{';
  if (row_kinds_) {
    to = write_text(to, "\"_op\":\"");
    to = write_text(to, row_kind_name(batch.kind(row)));
    *to++ = '"';
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (i != 0 || row_kinds_) *to++ = ',';
    to = write_text(to, keys_[i]);
    const Column& column = batch.columns[i];
    to = column.valid(row) ? write_value(to, column, row) : write_text(to, "null");
  }
  return write_text(to, "}\n");
}

char* NdjsonEncoder::write_value(char* to, const Column& column, std::size_t row) {
  if (column.type() == kDouble && !std::isfinite(column.value<double>(row))) ++counters_.not_finite;
  return print_json_value(to, column, row);
}

}  // namespace stream::format
