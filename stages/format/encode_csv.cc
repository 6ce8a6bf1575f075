#include <algorithm>
#include <array>
#include <cstring>

#include "stages/format/encode_avro.h"
#include "stages/format/encode_ndjson.h"
#include "stages/format/encode_table.h"
#include "stages/format/print_value.h"
#include "stages/format/scan.h"

namespace stream {
namespace format {
namespace {

// Bytes a field can need beside its text: quotes, a delimiter or line end, a row kind.
constexpr std::size_t kFieldExtra = 8;

// Whether a delimiter, a quote or the end of a line is in the text.
bool has_special(std::string_view text, char delimiter) {
  if (text.size() < 16) {
    return std::ranges::any_of(text, [&](char c) { return c == delimiter || c == '"' || c == '\n' || c == '\r'; });
  }
  const auto special = [delimiter](const char* at) {
    const __m128i bytes = load16(at);
    const __m128i quote = _mm_or_si128(equal_to(bytes, delimiter), equal_to(bytes, '"'));
    return _mm_or_si128(quote, _mm_or_si128(equal_to(bytes, '\n'), equal_to(bytes, '\r')));
  };
  __m128i found = special(text.data() + text.size() - 16);
  for (std::size_t i = 0; i + 16 < text.size(); i += 16) found = _mm_or_si128(found, special(text.data() + i));
  return bits_of(found) != 0;
}

}  // namespace

CsvEncoder::CsvEncoder(const EncoderOptions& options, SchemaPtr schema)
    : options_(options), schema_(std::move(schema)), header_due_(options.header) {}

char* CsvEncoder::write_text(char* to, std::string_view text) const {
  const bool plain = !has_special(text, options_.delimiter);
  // A reader may trim blanks that are not quoted.
  if (plain && !text.empty() && text.front() != ' ' && text.back() != ' ') {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
  }
  *to++ = '"';
  for (const char c : text) {
    if (c == '"') *to++ = '"';
    *to++ = c;
  }
  *to++ = '"';
  return to;
}

void CsvEncoder::write_header(ByteBuilder& out) {
  if (!header_due_) return;
  header_due_ = false;
  std::vector<std::string> names = schema_->names();
  if (options_.row_kinds) names.insert(names.begin(), "_op");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t start = out.size();
    auto* begin = reinterpret_cast<char*>(out.extend(names[i].size() * 2 + kFieldExtra));
    char* end = write_text(begin, names[i]);
    *end++ = i + 1 == names.size() ? '\n' : options_.delimiter;
    out.shrink(start + static_cast<std::size_t>(end - begin));
  }
}

void CsvEncoder::encode(const Batch& batch, ByteBuilder& out) {
  write_header(out);
  const std::size_t count = batch.columns.size();
  for (std::size_t row = 0; row < batch.rows; ++row) {
    if (options_.row_kinds) {
      out.append(row_kind_name(batch.kind(row)).data(), 2);
      out.append(count == 0 ? "\n" : &options_.delimiter, 1);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const Column& column = batch.columns[i];
      const std::size_t start = out.size();
      auto* begin = reinterpret_cast<char*>(out.extend(printed_size(column, row) * 2 + kFieldExtra));
      char* end = begin;
      if (column.valid(row)) {
        const bool text = column.type().variable() && column.type().kind != TypeKind::kBlob;
        end = text ? write_text(begin, column.bytes(row)) : print_value(begin, column, row);
        if (end == begin) end = write_text(begin, {});
      }
      *end++ = i + 1 == count ? '\n' : options_.delimiter;
      out.shrink(start + static_cast<std::size_t>(end - begin));
    }
  }
  counters_.rows += batch.rows;
}

}  // namespace format

std::string_view row_kind_name(RowKind kind) {
  constexpr std::array<std::string_view, 4> kNames = {"+I", "-U", "+U", "-D"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::unique_ptr<Encoder> make_encoder(const EncoderOptions& options, SchemaPtr schema) {
  switch (options.format) {
    case OutputFormat::kNdjson: return std::make_unique<format::NdjsonEncoder>(options, *schema);
    case OutputFormat::kCsv: return std::make_unique<format::CsvEncoder>(options, std::move(schema));
    case OutputFormat::kAvro: return std::make_unique<format::AvroEncoder>(options, *schema);
    case OutputFormat::kTable: return std::make_unique<format::TableEncoder>(options, std::move(schema));
  }
  return nullptr;
}

}  // namespace stream
