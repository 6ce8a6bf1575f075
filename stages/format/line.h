// Formats of one record a line, whose fields are plain text: text, regex, logfmt.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stages/format/decoder.h"
#include "stages/format/text_rules.h"
#include "stages/format/value.h"

namespace re2 {
class RE2;
}

namespace stream::format {

struct LineField {
  std::string_view name;
  std::string_view text;
  bool present = true;  // false: NULL
};

// Takes a line (without its end) apart. Not thread-safe; fields are valid until the next call.
class LineSplitter {
 public:
  virtual ~LineSplitter() = default;
  // False: the line is no record, reason says why. Blank lines never come here unless keeps_blank().
  virtual bool split(std::string_view line, std::vector<LineField>& fields, std::string& reason) = 0;
  virtual bool keeps_blank() const { return false; }
  // All names there can be, in their order; empty = known from the data only.
  virtual std::vector<std::string> names() const { return {}; }
};

// The splitter of text, regex or logfmt. Errors: kUsage for a bad pattern.
Result<std::unique_ptr<LineSplitter>> make_splitter(const FormatOptions& options);

class LineDecoder final : public Decoder {
 public:
  LineDecoder(DecoderSetup setup, TextRules rules, std::unique_ptr<LineSplitter> splitter);

 protected:
  const char* decode_records(const char* begin, const char* end, bool last, BatchBuilder& batch) override;

 private:
  static constexpr int kSkip = -1;
  static constexpr int kUnknown = -2;

  bool decode_line(std::string_view line, BatchBuilder& batch);
  int column_of(std::string_view name) const;
  bool read_columns(BatchBuilder& batch);
  bool read_field(const LineField& field, ColumnBuilder& column);

  TextRules rules_;
  ValueReader reader_;
  std::unique_ptr<LineSplitter> splitter_;
  int rest_column_ = kSkip;
  std::vector<LineField> fields_;
  std::vector<const LineField*> found_;
  std::string rest_;
  std::string reason_;
};

}  // namespace stream::format
