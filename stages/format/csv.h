// CsvDecoder: RFC 4180 with any delimiter: quoted fields, doubled quotes, newlines within quotes.
#pragma once

#include <string>
#include <vector>

#include "stages/format/decoder.h"
#include "stages/format/text_rules.h"
#include "stages/format/value.h"

namespace stream::format {

struct CsvField {
  const char* begin = nullptr;
  const char* end = nullptr;
  bool quoted = false;   // begin and end are inside the quotes
  bool doubled = false;  // holds doubled quotes

  std::string_view raw() const { return {begin, static_cast<std::size_t>(end - begin)}; }
  // The field's text; `scratch` holds it where quotes had to be undoubled.
  std::string_view text(std::string& scratch) const;
};

struct CsvRecord {
  std::vector<CsvField> fields;
  const char* end = nullptr;  // behind the line end; null: no whole record
  std::uint64_t lines = 1;
  const char* reason = nullptr;  // malformed
};

// Splits the record at `begin`; `end` is behind a newline.
void split_csv(const char* begin, const char* end, char delimiter, CsvRecord& record);

class CsvDecoder final : public Decoder {
 public:
  CsvDecoder(DecoderSetup setup, TextRules rules);

 protected:
  const char* decode_records(const char* begin, const char* end, bool last, BatchBuilder& batch) override;
  const char* find_record_end(const char* begin, const char* end, Skipping& state) const override;
  Status read_head(std::string_view head) override;

 private:
  static constexpr int kSkip = -1;
  static constexpr int kUnknown = -2;

  Status take_header(const CsvRecord& record);
  Status set_names(const std::vector<std::string>& names);
  bool decode_record(const char* begin, BatchBuilder& batch);
  bool read_columns(BatchBuilder& batch);
  bool read_field(const CsvField& field, ColumnBuilder& column);
  void read_rest(BatchBuilder& batch);

  TextRules rules_;
  ValueReader reader_;
  bool has_names_ = false;
  std::vector<std::string> names_;     // of the fields, in their order
  std::vector<int> columns_;           // of the fields: column, kSkip or kUnknown
  std::vector<std::size_t> field_of_;  // of the wanted columns: the field, or npos for `_rest`
  std::uint64_t unknown_ = 0;
  CsvRecord record_;
  std::string scratch_;
  std::string reason_;
};

}  // namespace stream::format
