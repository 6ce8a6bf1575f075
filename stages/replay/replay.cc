#include "stages/replay/replay.h"

#include "snapshot/state_store.h"
#include "stages/format/infer.h"
#include "stages/kit/format_values.h"
#include "stages/kit/option_columns.h"
#include "transport/base/files.h"

namespace stream {
namespace {

constexpr std::uint64_t kFileBytesMax = 64 << 20;

// What planning and running both see of a recording.
struct Seen {
  std::string rows;  // as NDJSON, without changes, watermarks and texts
  bool changes = false;
  bool watermarks = false;
};

Result<std::string> read_recording(const std::string& folder, const std::string& path) {
  const bool absolute = path.starts_with('/') || folder.empty();
  STREAM_ASSIGN(std::string text, system_files().read_file(absolute ? path : folder + "/" + path));
  if (text.size() > kFileBytesMax) return usage_error("'" + path + "' is larger than 64MiB; read it with read-file");
  return text;
}

Result<Seen> look_at(const std::string& text) {
  Seen seen;
  Recording recording(text);
  while (const auto line = recording.next()) {
    auto read = read_recorded_line(*line);
    if (!read.ok()) return usage_error("line " + std::to_string(recording.line()) + ": " + read.status().what());
    seen.watermarks |= read->kind == RecordedLine::Kind::kWatermark;
    seen.changes |= read->says_change;
    if (read->kind == RecordedLine::Kind::kRow) seen.rows += read->text + "\n";
  }
  return seen;
}

FormatOptions format_of_rows(const FormatOptions& texts) {
  FormatOptions rows = texts;
  rows.format = Format::kNdjson;
  return rows;
}

Schema schema_of(const PlanRequest& request, const Seen& seen, const FormatOptions& format, PlanAnswer& answer) {
  if (request.options.has("schema")) {
    auto declared = parse_schema(request.options.text("schema"));
    if (declared.ok()) return *std::move(declared);
    answer.errors.push_back({"schema", 0, declared.status().what(), ""});
    return {};
  }
  auto inferred = infer_schema(format_of_rows(format), seen.rows, true);
  if (inferred.ok() && inferred->records > 0) {
    answer.fixed["schema"] = to_string(inferred->schema);
    return std::move(inferred->schema);
  }
  answer.errors.push_back({"path", 0, "no row tells the columns", "give a schema, such as 'ts timestamp, n bigint'"});
  return {};
}

TableSpec position_spec() {
  TableSpec spec;
  spec.name = "position";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"recording", kBigint}};
  spec.value = {{"read_to", kBigint}};
  return spec;
}

}  // namespace

PlanAnswer plan_replay(const PlanRequest& request) {
  PlanAnswer answer;
  answer.parallelism_max = 1;
  answer.parallelism_why = "a recording has one order";
  const FormatOptions format = format_options_of(request.options, "", answer.errors);
  auto text = read_recording(request.folder, request.options.text("path"));
  auto seen = text.ok() ? look_at(*text) : Result<Seen>(text.status());
  if (!seen.ok()) answer.errors.push_back({"path", 0, seen.status().what(), ""});
  if (!answer.errors.empty()) return answer;
  OutputPlan output{"out", with_rest(schema_of(request, *seen, format, answer), format), {}};
  PlanError error;
  if (answer.errors.empty() && !find_columns(request.options, "key", output.schema, &output.schema.key, &error)) {
    answer.errors.push_back(error);
  }
  if (seen->changes || request.options.flag("changes")) output.schema.changelog = Changelog::kUpdates;
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  answer.state.push_back(position_spec());
  return answer;
}

Result<std::unique_ptr<Source>> make_replay(Context& context) {
  std::vector<PlanError> errors;
  const std::string& path = context.options.text("path");
  STREAM_ASSIGN(std::string text, read_recording(context.folder, path));
  STREAM_ASSIGN(const Seen seen, look_at(text));
  PlanAnswer ignored;
  const FormatOptions format = format_options_of(context.options, "", errors);
  const PlanRequest request{context.options, {}, context.folder, context.parallelism};
  Schema declared = schema_of(request, seen, format, ignored);
  if (!ignored.errors.empty())
    return usage_error("option '" + ignored.errors[0].option + "': " + ignored.errors[0].message);
  return Replay::make(context, {.recording = Recording(std::move(text)),
                                .name = path.substr(path.rfind('/') + 1),
                                .declared = std::make_shared<const Schema>(std::move(declared)),
                                .wanted = context.outputs[0],
                                .format = format,
                                .says_watermarks = seen.watermarks});
}

Result<std::unique_ptr<Source>> Replay::make(Context& context, Setup setup) {
  std::unique_ptr<Replay> replay(new Replay(context, std::move(setup)));
  STREAM_ASSIGN(replay->rows_, replay->decoder(format_of_rows(replay->setup_.format)));
  FormatOptions texts = replay->setup_.format;
  texts.header = false;  // each text is a record
  STREAM_ASSIGN(replay->texts_, replay->decoder(texts));
  return std::unique_ptr<Source>(std::move(replay));
}

Replay::Replay(Context& context, Setup setup)
    : setup_(std::move(setup)), position_(context.state.table(position_spec())) {
  builder_.emplace(setup_.wanted);
  if (setup_.says_watermarks) promised_ = kNoWatermark;
}

Result<std::unique_ptr<Decoder>> Replay::decoder(const FormatOptions& format) {
  DecoderSetup setup;
  setup.options = format;
  setup.declared = setup_.declared;
  setup.wanted = setup_.wanted;
  setup.on_bad_input = [this](BadInput bad) {
    bad_ = BadRecord{std::move(bad.reason), setup_.name + ":" + std::to_string(setup_.recording.line()),
                     std::move(bad.text)};
    return Status();
  };
  return make_decoder(std::move(setup));
}

// One row a batch: event time may move between any two.
Result<Source::Poll> Replay::poll(Emitter& out) {
  const auto line = setup_.recording.next();
  if (!line) return Poll::kEnd;
  STREAM_ASSIGN(const RecordedLine read, read_recorded_line(*line));
  if (read.kind == RecordedLine::Kind::kWatermark) {
    promised_ = std::max(*promised_, read.watermark);
  } else {
    STREAM_TRY(emit_record(read.kind == RecordedLine::Kind::kText ? *texts_ : *rows_, read, out));
  }
  return Poll::kMore;
}

Status Replay::emit_record(Decoder& decoder, const RecordedLine& line, Emitter& out) {
  std::string record = line.text + "\n";
  const std::size_t size = record.size();
  record.append(kInputPadding, '\0');
  auto decoded = decoder.decode(std::string_view(record).substr(0, size), false, *builder_);
  if (!decoded.ok()) return std::move(decoded).status();
  if (bad_) {
    BadRecord bad = *std::move(bad_);
    bad_.reset();
    return out.bad_record(std::move(bad));
  }
  Batch row = builder_->finish();
  if (line.change != RowKind::kInsert) {
    ByteBuilder kinds;
    for (std::size_t i = 0; i < row.rows; ++i) kinds.append_value(line.change);
    row.kinds = kinds.finish();
  }
  return row.rows > 0 ? out.emit(std::move(row)) : Status();
}

Status Replay::on_restored() {
  if (const Row row = position_.find({Cell(std::int64_t{0})})) {
    setup_.recording.go_to(static_cast<std::uint64_t>(position_.get<std::int64_t>(row, 1)));
  }
  return {};
}

Status Replay::before_snapshot() {
  const Row row = position_.upsert({Cell(std::int64_t{0})}).first;
  position_.set(row, 1, static_cast<std::int64_t>(setup_.recording.offset()));
  return {};
}

}  // namespace stream
