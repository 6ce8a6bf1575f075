// The options of a byte source as FormatOptions.
#pragma once

#include <string_view>
#include <vector>

#include "stages/format/options.h"
#include "stages/kit/option_list.h"
#include "stages/kit/plan.h"

namespace stream {

// The rows of the option table that every byte source has: format, delimiter, header, pattern, zone,
// time-format, time-unit, unknown-fields, record-size-max, key.
inline constexpr Option kFormatOption{
    .name = "format",
    .arg = "FORMAT",
    .doc =
        "Format of the records; not set: by the path's ending (.csv, .tsv, .avro, .logfmt, .log, .txt), else "
        "ndjson.",
    .kind = OptionKind::kChoice,
    .choices = "ndjson|csv|text|regex|logfmt|debezium-json|avro"};
// The same for what cannot be Avro: records that are lines of a text.
inline constexpr Option kLineFormatOption{
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

// What every format may need to be read; and what makes its values of them.
inline constexpr OptionList<5> kTextValueOptions = {kDelimiterOption, kPatternOption, kZoneOption, kTimeFormatOption,
                                                    kTimeUnitOption};
inline constexpr OptionList<2> kRecordOptions = {kUnknownFieldsOption, kRecordSizeOption};

inline constexpr Option kChangesKeyOption{
    .name = "key",
    .arg = "LIST",
    .doc = "debezium-json: the columns that identify a row, as the primary key of the table.",
    .kind = OptionKind::kColumns};

// What messages in Avro need beside.
inline constexpr Option kAvroSchemaOption{
    .name = "avro-schema",
    .arg = "FILE",
    .doc = "avro: the schema in which the messages were written, a file of JSON (.avsc).",
    .kind = OptionKind::kPath};
inline constexpr Option kAvroFramingOption{
    .name = "avro-framing",
    .arg = "WHAT",
    .doc =
        "avro: what stands in front of the record in a message: nothing; confluent, a zero byte and the number of the "
        "schema in a registry; single-object, a marker and the schema's fingerprint.",
    .kind = OptionKind::kChoice,
    .fallback = "plain",
    .choices = "plain|confluent|single-object"};
inline constexpr Option kAvroSchemaIdOption{
    .name = "avro-schema-id",
    .arg = "N",
    .doc =
        "avro-framing confluent: the number of the schema; of a source, messages with another one are bad records, "
        "and if it is not set, all are read.",
    .kind = OptionKind::kInteger};

inline constexpr OptionList<3> kAvroMessageOptions = {kAvroSchemaOption, kAvroFramingOption, kAvroSchemaIdOption};

// Reads avro-framing and avro-schema-id.
void set_avro_framing(const Values& values, FormatOptions& options, std::vector<PlanError>& errors);
// Reads the file that avro-schema names, below `folder`; of format avro it is required.
void read_avro_schema(const Values& values, const std::string& folder, FormatOptions& options,
                      std::vector<PlanError>& errors);

// Reads and checks them. What is wrong is added to `errors`, under the option's name.
FormatOptions format_options_of(const Values& values, std::string_view path, std::vector<PlanError>& errors);

// For stages whose option `key` is kChangesKeyOption: of records that are changes of rows, says so in the schema, with
// the key. What is wrong is added to `errors`.
void set_changelog(const FormatOptions& format, Schema& schema, std::vector<PlanError>& errors);

}  // namespace stream
