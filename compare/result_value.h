// ResultValue: one value of a result, whatever file it came from, and the bytes it is compared by.
//
// Equal values have equal bytes, and the bytes of numbers and texts are in their order: 1 and 1.0 are the same number,
// however it was stored.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace stream {

enum class ResultKind : std::uint8_t { kNull, kBoolean, kInteger, kReal, kText, kBlob, kJson };

struct ResultValue {
  ResultKind kind = ResultKind::kNull;
  std::int64_t integer = 0;  // kInteger; kBoolean: 0 or 1
  double real = 0;           // kReal
  std::string text = {};     // kText, kBlob; kJson: of a list or object, with sorted names

  bool null() const { return kind == ResultKind::kNull; }
  bool number() const { return kind == ResultKind::kInteger || kind == ResultKind::kReal; }
  double as_real() const { return kind == ResultKind::kInteger ? static_cast<double>(integer) : real; }
};

ResultValue integer_value(std::int64_t value);
ResultValue real_value(double value);
ResultValue text_value(std::string text);
ResultValue boolean_value(bool value);
ResultValue json_value(const nlohmann::json& value);

// Appends the bytes; read_value() takes them off the front again. An integral real comes back as an integer.
void append_value(std::string& to, const ResultValue& value);
ResultValue read_value(std::string_view& from);

bool same(const ResultValue& a, const ResultValue& b);
// Two numbers are the same up to `tolerance`, everything else exactly.
bool about_same(const ResultValue& a, const ResultValue& b, double tolerance);

// Where two files know different types, what stands in both is made alike: texts that are numbers, TRUE as 1, an empty
// text as NULL.
ResultValue loosened(ResultValue value);

std::string shown(const ResultValue& value);  // in a line of text, on one line
nlohmann::ordered_json to_json(const ResultValue& value);

}  // namespace stream
