// NdjsonDecoder: one JSON object a line.
//
// Records of one stream mostly have the same keys in the same order, so the decoder remembers the text
// between the values of earlier records (a Layout), compares it bytewise and goes from value to value
// without looking at keys. A record that no layout fits is parsed key by key. Both ways skip values by
// skip_json_value() and read them by ValueReader, so they give the same rows for the same records.
#pragma once

#include <string>
#include <vector>

#include "stages/format/json_row.h"

namespace stream::format {

class NdjsonDecoder final : public Decoder {
 public:
  NdjsonDecoder(DecoderSetup setup, TextRules rules);

  // Off: every record is parsed key by key. For tests and measurements.
  void speculate(bool on) { speculation_ = on; }
  std::uint64_t fast_records() const { return fast_records_; }

 protected:
  const char* decode_records(const char* begin, const char* end, bool last, BatchBuilder& batch) override;

 private:
  struct Step {
    std::uint32_t literal;  // offset in Layout::text
    std::uint32_t size;
    int column;
  };
  struct Layout {
    std::string text;  // all literals, with padding behind
    std::vector<Step> steps;
    Step tail{};
    std::vector<int> missing;  // wanted columns that such records do not have
    std::uint64_t unknown = 0;
  };
  const char* by_layout(const Layout& layout, const char* p, BatchBuilder& batch);
  const char* by_any_layout(const char* p, BatchBuilder& batch);
  // Null: bad record, reason_ says why.
  const char* by_key(const char* record, BatchBuilder& batch);
  void learn();

  TextRules rules_;
  JsonRow row_;
  std::size_t wanted_ = 0;

  bool speculation_ = true;
  int score_ = 0;            // how well speculation does
  std::uint32_t pause_ = 0;  // records until it is tried again
  std::uint64_t fast_records_ = 0;
  std::vector<Layout> layouts_;  // the last that fitted first

  JsonObject object_;  // the record being parsed key by key
  std::string reason_;
};

}  // namespace stream::format
