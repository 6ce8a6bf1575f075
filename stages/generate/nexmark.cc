#include "stages/generate/nexmark.h"

#include <algorithm>

namespace stream::nexmark {
namespace {

constexpr Kind kAllKinds[] = {Kind::kPerson, Kind::kAuction, Kind::kBid};
constexpr std::size_t kOut = 0;  // the output with every kind
constexpr std::string_view kTime = "date_time";
constexpr std::string_view kType = "type";

// A batch is to leave as one frame: larger ones would be cut, and what is cut is copied.
constexpr std::size_t kBatchBytes = kBatchBytesTarget * 3 / 4;
constexpr std::int64_t kRowsAtFirst = 1024;
constexpr std::int64_t kRowsMin = 256;
constexpr std::int64_t kRowsMax = 16'384;

std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }
std::size_t output_of(Kind kind) { return index(kind) + 1; }

Schema schema_of(Kind kind) {
  Schema schema;
  for (const FieldMaker& field : fields_of(kind)) schema.fields.push_back({std::string(field.name), field.type});
  return schema;
}

// Every column of any kind once; what all of them have is last.
Schema schema_of_all() {
  Schema schema;
  schema.fields.push_back({std::string(kType), kVarchar});
  const auto shared = [](const FieldMaker& field) {
    return std::ranges::all_of(kAllKinds, [&](Kind kind) { return find_field(kind, field.name) != nullptr; });
  };
  for (const bool last : {false, true}) {
    for (const Kind kind : kAllKinds) {
      for (const FieldMaker& field : fields_of(kind)) {
        if (shared(field) != last || schema.find(field.name)) continue;
        schema.fields.push_back({std::string(field.name), field.type});
      }
    }
  }
  return schema;
}

void add_output(PlanAnswer& answer, std::string_view name, Schema schema) {
  schema.time = schema.find(kTime);
  OutputPlan output{std::string(name), std::move(schema), {}};
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
}

void check_options(const Values& options, PlanAnswer& answer) {
  for (const char* name : {"event-rate", "shuffle"}) {
    if (options.has(name) && options.integer(name) < 1) answer.errors.push_back({name, 0, "must be at least 1", ""});
  }
  if (!answer.errors.empty()) return;
  if (options.has("shuffle") && options.integer("shuffle") % kShuffleStride == 0) {
    answer.errors.push_back({"shuffle", 0, "must not be divisible by 953: events would come twice", ""});
  }
}

}  // namespace

Settings settings_of(const Values& options) {
  Settings settings;
  settings.seed = static_cast<std::uint64_t>(options.integer("seed"));
  if (options.has("event-rate")) settings.events_a_second = options.integer("event-rate");
  if (options.has("shuffle")) settings.shuffle = options.integer("shuffle");
  settings.matching_bidders = options.flag("matching-bidders");
  return settings;
}

PlanAnswer plan(const Values& options) {
  PlanAnswer answer;
  answer.cacheable = true;
  check_options(options, answer);
  if (!answer.errors.empty()) return answer;
  add_output(answer, "out", schema_of_all());
  for (const Kind kind : kAllKinds) add_output(answer, kOutputs[index(kind)], schema_of(kind));
  answer.state.push_back(RowNumbers::table_spec());
  return answer;
}

Generator::Generator(Context& context)
    : model_(settings_of(context.options)), numbers_(context), outputs_(context.outputs), batch_rows_(kRowsAtFirst) {}

Status Generator::on_restored() {
  numbers_.restore();
  return {};
}

Status Generator::before_snapshot() {
  numbers_.save();
  return {};
}

void Generator::sort_by_kind(std::span<const std::int64_t> rows) {
  events_.assign(rows.begin(), rows.end());
  const std::int64_t group = model_.settings().shuffle;
  if (group != 1) std::ranges::transform(events_, events_.begin(), [&](auto n) { return event_of_row(n, group); });
  for (std::vector<std::int64_t>& events : of_kind_) events.clear();
  for (const std::int64_t event : events_) of_kind_[index(kind_of(event))].push_back(event);
}

Batch Generator::one_kind(Kind kind) {
  const std::vector<std::int64_t>& events = of_kind_[index(kind)];
  const SchemaPtr& schema = outputs_[output_of(kind)];
  Batch batch{schema, events.size(), {}, {}};
  for (const Field& field : schema->fields) batch.columns.push_back(find_field(kind, field.name)->make(model_, events));
  return batch;
}

Batch Generator::all_kinds() {
  Batch batch{outputs_[kOut], events_.size(), {}, {}};
  for (const Field& field : batch.schema->fields) {
    batch.columns.push_back(field.name == kType ? kinds() : merged(field));
  }
  return batch;
}

// One column from those of each kind, NULL where a kind has none.
Column Generator::merged(const Field& field) {
  struct Part {
    Column column;
    std::size_t next = 0;
  };
  std::array<std::optional<Part>, kKinds> parts;
  for (const Kind kind : kAllKinds) {
    const FieldMaker* maker = find_field(kind, field.name);
    if (maker != nullptr) parts[index(kind)] = Part{maker->make(model_, of_kind_[index(kind)])};
  }
  ColumnBuilder out(field.type, events_.size());
  for (const std::int64_t event : events_) {
    auto& part = parts[index(kind_of(event))];
    part ? out.append_from(part->column, part->next++) : out.append_null();
  }
  return out.finish();
}

Column Generator::kinds() const {
  return texts(events_, [](std::int64_t event) { return kOutputs[index(kind_of(event))]; });
}

Status Generator::emit(Batch batch, std::size_t output, Emitter& out) {
  batch_bytes_ = std::max(batch_bytes_, batch.size_bytes());
  return out.emit(std::move(batch), output);
}

Result<Source::Poll> Generator::poll(Emitter& out) {
  const std::span<const std::int64_t> rows = numbers_.next(batch_rows_);
  if (rows.empty()) return numbers_.ended() ? Poll::kEnd : Poll::kIdle;
  sort_by_kind(rows);
  batch_bytes_ = 1;
  if (out.wanted(kOut)) STREAM_TRY(emit(all_kinds(), kOut, out));
  for (const Kind kind : kAllKinds) {
    if (!out.wanted(output_of(kind)) || of_kind_[index(kind)].empty()) continue;
    STREAM_TRY(emit(one_kind(kind), output_of(kind), out));
  }
  const auto fitting = std::ssize(rows) * static_cast<std::int64_t>(kBatchBytes / batch_bytes_);
  batch_rows_ = std::clamp(fitting, kRowsMin, kRowsMax);
  return Poll::kMore;
}

}  // namespace stream::nexmark
