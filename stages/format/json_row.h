// JsonRow: the columns of a row out of a JSON object that was taken apart, by its keys.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stages/format/decoder.h"
#include "stages/format/json_object.h"
#include "stages/format/text_rules.h"
#include "stages/format/value.h"

namespace stream::format {

class JsonRow {
 public:
  static constexpr int kSkip = -1;     // in the schema, not wanted
  static constexpr int kUnknown = -2;  // not in the schema

  // `setup` and what `times` points to must outlive the row.
  JsonRow(const DecoderSetup& setup, const TimeRules& times);

  // Finds the columns' fields; of equal keys the last one counts. False: the record is bad, reason() says why.
  bool assign(const JsonObject& object);
  // Appends a value to each wanted column. False: bad; the columns may hold values too many (drop_row()).
  bool read(const JsonObject& object, BatchBuilder& batch);

  // The field of a wanted column; null: there is none. The other may be put in its place before read().
  const JsonField*& field(std::size_t column) { return found_[column]; }
  const JsonField* field(std::size_t column) const { return found_[column]; }
  int target(std::size_t field) const { return targets_[field]; }  // its column, kSkip or kUnknown
  std::uint64_t unknown() const { return unknown_; }
  bool repeated() const { return repeated_; }  // a wanted key stands there twice
  bool rest_kept() const { return rest_column_ >= 0; }
  ValueReader& reader() { return reader_; }
  std::string take_reason() { return std::exchange(reason_, {}); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  int column_of(std::string_view key);
  bool read_rest(const JsonObject& object, ColumnBuilder& column);

  const DecoderSetup& setup_;
  TimeRules times_;
  ValueReader reader_;
  std::unordered_map<std::string, int, Hash, std::equal_to<>> columns_;
  int rest_column_ = kSkip;
  std::vector<int> targets_;
  std::vector<const JsonField*> found_;
  std::uint64_t unknown_ = 0;
  bool repeated_ = false;
  std::string key_;
  std::string rest_;
  std::string reason_;
};

}  // namespace stream::format
