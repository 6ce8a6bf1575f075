// How things are written in Flink's SQL: names, texts, types, intervals, values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/record/column.h"

namespace stream::flink {

// In backticks where it would mean something else without.
std::string quoted_name(std::string_view name);
std::string quoted_text(std::string_view text);

// "TIMESTAMP_LTZ(6)", …; nothing for types that Flink has no counterpart of.
std::optional<std::string> type_text(Type type);

// "INTERVAL '10' MINUTE", "INTERVAL '5.001' SECOND"; nothing for what is finer than a millisecond.
std::optional<std::string> interval_text(Microseconds duration);

// The value of a literal, of exactly its type; nothing where there is no way to write it. A BIGINT is written as digits
// alone, which Flink reads as an INT where they are few.
std::optional<std::string> value_text(const Column& value);

// As options and settings have it: "500 ms", "10 s".
std::string duration_text(Microseconds duration);

}  // namespace stream::flink
