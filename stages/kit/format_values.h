// The options of a byte source as FormatOptions.
#pragma once

#include <string_view>
#include <vector>

#include "stages/format/options.h"
#include "stages/kit/option.h"
#include "stages/kit/plan.h"

namespace stream {

// The rows of the option table that every byte source has: format, delimiter, header, pattern, zone,
// time-format, time-unit, unknown-fields, record-size-max, key.
inline constexpr Option kFormatOption{
    .name = "format",
    .arg = "FORMAT",
    .doc = "Format of the records; not set: by the path's ending (.csv, .tsv, .logfmt, .log, .txt), else ndjson.",
    .kind = OptionKind::kChoice,
    .choices = "ndjson|csv|text|regex|logfmt|debezium-json"};
inline constexpr Option kDelimiterOption{
    .name = "delimiter",
    .arg = "BYTE",
    .doc = "CSV: what separates fields, one byte or 'tab'; not set: a comma, or a tab for .tsv."};
inline constexpr Option kHeaderOption{.name = "header",
                                      .arg = "WHERE",
                                      .doc = "CSV: the first record names the columns, or there is none.",
                                      .kind = OptionKind::kChoice,
                                      .fallback = "first",
                                      .choices = "first|none"};
inline constexpr Option kPatternOption{
    .name = "pattern",
    .arg = "REGEX",
    .doc = "Regex: RE2 pattern whose named groups, (?P<name>…), are the columns; it may match anywhere in the line."};
inline constexpr Option kZoneOption{.name = "zone",
                                    .arg = "ZONE",
                                    .doc = "Time zone of times without an offset: an IANA name, or 'local'.",
                                    .fallback = "UTC"};
inline constexpr Option kTimeFormatOption{
    .name = "time-format",
    .arg = "FORMAT",
    .doc = "How times are written, in strptime's terms (%d/%b/%Y:%H:%M:%S %z); not set: RFC 3339 / ISO 8601."};
inline constexpr Option kTimeUnitOption{.name = "time-unit",
                                        .arg = "UNIT",
                                        .doc = "Unit of times given as numbers; not set: such times are bad records.",
                                        .kind = OptionKind::kChoice,
                                        .choices = "s|ms|us|ns"};
inline constexpr Option kUnknownFieldsOption{
    .name = "unknown-fields",
    .arg = "WHAT",
    .doc = "Fields outside the schema are counted and dropped, kept as a JSON column _rest, or make a record bad.",
    .kind = OptionKind::kChoice,
    .fallback = "count",
    .choices = "count|keep|error"};
inline constexpr Option kRecordSizeOption{.name = "record-size-max",
                                          .arg = "SIZE",
                                          .doc = "Longer records are bad records.",
                                          .kind = OptionKind::kSize,
                                          .fallback = "16MiB"};

inline constexpr Option kChangesKeyOption{
    .name = "key",
    .arg = "LIST",
    .doc = "debezium-json: the columns that identify a row, as the primary key of the table.",
    .kind = OptionKind::kColumns};

// Reads and checks them. What is wrong is added to `errors`, under the option's name.
FormatOptions format_options_of(const Values& values, std::string_view path, std::vector<PlanError>& errors);

// For stages whose option `key` is kChangesKeyOption: of records that are changes of rows, says so in the schema, with
// the key. What is wrong is added to `errors`.
void set_changelog(const FormatOptions& format, Schema& schema, std::vector<PlanError>& errors);

}  // namespace stream
