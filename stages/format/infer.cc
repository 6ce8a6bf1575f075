#include "stages/format/infer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "stages/format/avro_header.h"
#include "stages/format/csv.h"
#include "stages/format/debezium.h"
#include "stages/format/decoder.h"
#include "stages/format/json_object.h"
#include "stages/format/line.h"
#include "stages/format/type_guess.h"

namespace stream {
namespace {

using namespace format;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

class Columns {
 public:
  TypeGuess& of(std::string_view name) {
    const auto [at, fresh] = index_.try_emplace(std::string(name), guesses_.size());
    if (fresh) {
      names_.emplace_back(name);
      guesses_.emplace_back();
    }
    return guesses_[at->second];
  }
  bool empty() const { return names_.empty(); }

  void into(Inferred& inferred, bool text) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      inferred.schema.fields.push_back({names_[i], guesses_[i].type(text)});
      const std::string_view unit = guesses_[i].unit();
      if (unit.empty() || guesses_[i].type(text) != kBigint) continue;
      inferred.hints.push_back("column '" + names_[i] +
                               "' looks like a time: declare it as timestamp, with time-unit: " + std::string(unit));
    }
  }

 private:
  std::vector<std::string> names_;
  std::vector<TypeGuess> guesses_;
  std::unordered_map<std::string, std::size_t> index_;
};

struct Sample {
  const char* begin;
  const char* end;
  std::size_t records_max;
  const FormatOptions& options;
  TimeRules times;
};

const char* next_line(const char* p, const char* end) {
  return static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p))) + 1;
}

void see_fields(const JsonObject& object, const Sample& sample, Columns& columns) {
  std::string scratch;
  for (const JsonField& field : object.fields) {
    std::string_view name;
    if (key_text(field.key, scratch, name)) columns.of(name).see_json(field.text(), sample.times);
  }
}

Status sample_ndjson(const Sample& sample, Columns& columns, Inferred& inferred) {
  JsonObject object;
  for (const char* p = sample.begin; p != sample.end && inferred.records < sample.records_max;) {
    const char* line = p;
    p = next_line(p, sample.end);
    if (!object.split(line)) {
      ++inferred.bad_records;
      continue;
    }
    if (object.blank) continue;
    ++inferred.records;
    see_fields(object, sample, columns);
  }
  return {};
}

// The columns are those of the rows in the changes.
Status sample_debezium(const Sample& sample, Columns& columns, Inferred& inferred) {
  JsonObject object;
  Change change;
  std::string reason;
  for (const char* p = sample.begin; p != sample.end && inferred.records < sample.records_max;) {
    const char* line = p;
    p = next_line(p, sample.end);
    if (!split_change(line, object, change, reason)) {
      ++inferred.bad_records;
      continue;
    }
    const JsonField& row = change.after.value != nullptr ? change.after : change.before;
    if (row.value == nullptr || !object.split_nested(row.value)) continue;
    ++inferred.records;
    see_fields(object, sample, columns);
  }
  return {};
}

Status sample_csv(const Sample& sample, Columns& columns, Inferred& inferred) {
  CsvRecord record;
  std::vector<std::string> names;
  std::string scratch;
  for (const char* p = sample.begin; p != sample.end && inferred.records < sample.records_max; p = record.end) {
    split_csv(p, sample.end, sample.options.delimiter, record);
    if (record.end == nullptr) break;
    const bool naming = names.empty();
    for (std::size_t i = 0; naming && i < record.fields.size(); ++i) {
      names.push_back(sample.options.header ? std::string(record.fields[i].text(scratch))
                                            : "c" + std::to_string(i + 1));
      columns.of(names[i]);
    }
    if (naming && sample.options.header) continue;
    const bool good = record.reason == nullptr && record.fields.size() == names.size();
    ++(good ? inferred.records : inferred.bad_records);
    for (std::size_t i = 0; good && i < names.size(); ++i) {
      columns.of(names[i]).see_text(record.fields[i].text(scratch), sample.times);
    }
  }
  return {};
}

Status sample_lines(const Sample& sample, Columns& columns, Inferred& inferred) {
  STREAM_ASSIGN(auto splitter, make_splitter(sample.options));
  for (const std::string& name : splitter->names()) columns.of(name);
  std::vector<LineField> fields;
  std::string reason;
  for (const char* p = sample.begin; p != sample.end && inferred.records < sample.records_max;) {
    std::string_view line(p, static_cast<std::size_t>(next_line(p, sample.end) - p - 1));
    p += line.size() + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!splitter->keeps_blank() && line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    fields.clear();
    const bool good = splitter->split(line, fields, reason);
    ++(good ? inferred.records : inferred.bad_records);
    for (std::size_t i = 0; good && i < fields.size(); ++i) {
      columns.of(fields[i].name).see_text(fields[i].present ? fields[i].text : std::string_view(), sample.times);
    }
  }
  return {};
}

// Avro's records say themselves what they hold.
Result<Inferred> avro_columns(const FormatOptions& options, std::string_view sample) {
  Inferred inferred;
  AvroHeader header;
  if (!options.avro_schema.empty()) {
    STREAM_ASSIGN(header.schema, AvroSchema::parse(options.avro_schema));
  } else {
    if (sample.empty()) return failed("nothing to find the schema in");
    STREAM_ASSIGN(const bool whole, read_avro_header(sample, header));
    if (!whole) return failed("the sample does not hold the whole header of the Avro records");
  }
  STREAM_ASSIGN(inferred.schema, header.schema.columns());
  inferred.records = 1;  // as good as one
  return inferred;
}

// The whole records of the sample, with the padding that scanning needs.
std::string whole_records(std::string_view sample, bool complete) {
  if (sample.starts_with(kByteOrderMark)) sample.remove_prefix(kByteOrderMark.size());
  std::string text(complete ? sample : sample.substr(0, sample.rfind('\n') + 1));
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

}  // namespace

Result<Inferred> infer_schema(const FormatOptions& options, std::string_view sample, bool complete,
                              std::size_t records_max) {
  STREAM_TRY(check_format_options(options));
  if (options.format == Format::kAvro) return avro_columns(options, sample);
  STREAM_ASSIGN(const TextRules rules, TextRules::make(options));
  std::string text = whole_records(sample, complete);
  const std::size_t size = text.size();
  text.append(kInputPadding, '\0');
  Columns columns;
  Inferred inferred;
  const Sample whole{text.data(), text.data() + size, records_max, options, rules.times()};
  switch (options.format) {
    case Format::kNdjson: STREAM_TRY(sample_ndjson(whole, columns, inferred)); break;
    case Format::kDebezium: STREAM_TRY(sample_debezium(whole, columns, inferred)); break;
    case Format::kCsv: STREAM_TRY(sample_csv(whole, columns, inferred)); break;
    default: STREAM_TRY(sample_lines(whole, columns, inferred));
  }
  if (columns.empty()) {
    return failed(size == 0 ? "nothing to find the schema in"
                            : "no record of format " + std::string(format_name(options.format)) + " in the sample");
  }
  if (options.format == Format::kText) {
    inferred.schema.fields = {{std::string(kLineColumn), kVarchar}};
  } else {
    columns.into(inferred, options.format != Format::kNdjson && options.format != Format::kDebezium);
  }
  return inferred;
}

Schema with_rest(Schema schema, const FormatOptions& options) {
  if (options.unknown_fields == UnknownFields::kKeep && !schema.find(kRestColumn)) {
    schema.fields.push_back({std::string(kRestColumn), kJson});
  }
  return schema;
}

}  // namespace stream
