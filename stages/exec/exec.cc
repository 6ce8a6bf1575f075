#include "stages/exec/exec.h"

#include <algorithm>
#include <cstdio>

#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::size_t kWaitingMax = 1 << 20;  // bytes, while the program works; then no more rows are taken in

void to_log(std::string_view line) { std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data()); }

}  // namespace

Result<std::unique_ptr<Operator>> Exec::make(Context& context) {
  PlanError error;
  auto settings = exec_settings(context.options, *context.inputs[0], &error);
  if (!settings) return usage_error("option '" + error.option + "': " + error.message);
  Answers::Setup answers{settings->format, nullptr, context.outputs[0], context.memory_bytes / 4};
  Schema declared = settings->results;
  // The planner's word counts: it has seen all columns of the input.
  for (const Field& field : context.outputs[0] ? context.outputs[0]->fields : std::vector<Field>()) {
    if (!declared.find(field.name)) declared.fields.push_back(field);
  }
  answers.declared = std::make_shared<const Schema>(std::move(declared));
  Runner::Setup running{settings->mode,
                        {settings->words,
                         context.folder,
                         {"STREAM_JOB=" + context.job, "STREAM_STAGE=" + context.stage,
                          "STREAM_INSTANCE=" + std::to_string(context.instance),
                          "STREAM_PARALLELISM=" + std::to_string(context.parallelism)}},
                        settings->name,
                        context.options.duration("timeout"),
                        static_cast<std::uint32_t>(context.options.integer("attempts"))};
  std::unique_ptr<Exec> exec(new Exec(context, *std::move(settings), std::move(answers)));
  STREAM_ASSIGN(exec->runner_, Runner::make(std::move(running), exec->answers_, exec->errors_, context.clock));
  return std::unique_ptr<Operator>(std::move(exec));
}

Exec::Exec(const Context& context, ExecSettings settings, Answers::Setup answers)
    : settings_(std::move(settings)), answers_(std::move(answers)), errors_(*context.metrics, to_log) {
  EncoderOptions options;
  options.format = settings_.format.format == Format::kCsv ? OutputFormat::kCsv : OutputFormat::kNdjson;
  options.delimiter = settings_.format.delimiter;
  options.header = false;
  if (settings_.format.format != Format::kText) encoder_ = make_encoder(options, context.inputs[0]);
}

Status Exec::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  STREAM_TRY(drop_unwritable(batch, out));
  gate_.received(batch.rows);
  encode(batch);
  return go_on(out);
}

// A value with a line feed would be two lines where lines are counted.
bool Exec::unwritable(const Batch& batch, std::size_t row) const {
  const bool quoted = settings_.format.format == Format::kNdjson ||
                      (settings_.format.format == Format::kCsv && settings_.mode == ExecMode::kBatch);
  return std::ranges::any_of(batch.columns, [&](const Column& column) {
    if (!column.type().variable() || column.type() == kBlob || (quoted && column.type() != kJson)) return false;
    return column.valid(row) && column.bytes(row).find('\n') != std::string_view::npos;
  });
}

Status Exec::drop_unwritable(Batch& batch, Emitter& out) const {
  std::vector<std::uint32_t> good;
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    if (!unwritable(batch, row)) {
      good.push_back(row);
    } else {
      STREAM_TRY(out.bad_record(
          {"a value holds a line feed, and would be two lines to the program", "", row_text(batch, row)}));
    }
  }
  if (good.size() < batch.rows) batch = batch.take(good);
  return {};
}

void Exec::encode(const Batch& batch) {
  waiting_.rows += batch.rows;
  if (encoder_) {
    ByteBuilder bytes;
    encoder_->encode(batch, bytes);
    waiting_.bytes.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return;
  }
  const Column& lines = batch.columns[settings_.text_column];
  for (std::size_t row = 0; row < batch.rows; ++row) {
    if (lines.valid(row)) waiting_.bytes += lines.bytes(row);
    waiting_.bytes += '\n';
  }
}

Status Exec::go_on(Emitter& out) {
  STREAM_TRY(runner_->step());
  if (runner_->idle() && waiting_.rows > 0) STREAM_TRY(runner_->give(std::exchange(waiting_, {})));
  if (ending_ && !busy()) {
    runner_->finish();
    STREAM_TRY(runner_->step());
  }
  tell_unknown_fields();
  not_emitted_ += runner_->answered();
  STREAM_TRY(answers_.emit(out));
  if (!answers_.ready()) gate_.answered(std::exchange(not_emitted_, 0));
  if (!busy()) settling_ = false;
  return {};
}

void Exec::tell_unknown_fields() {
  if (unknown_told_ || !answers_.unknown_fields()) return;
  unknown_told_ = true;
  to_log("stream-exec: warning: the program answers with fields that 'schema' does not name; they are dropped");
}

Status Exec::on_watermark(Microseconds watermark, Emitter& /*out*/) {
  gate_.watermark(watermark);
  return {};
}

Status Exec::await_results(Emitter& out) {
  settling_ = true;
  return go_on(out);
}

Status Exec::on_end(Emitter& out) {
  ending_ = true;
  return go_on(out);
}

bool Exec::has_more() const {
  if (answers_.ready() || (waiting_.bytes.size() > kWaitingMax && !runner_->idle())) return true;
  return (settling_ && busy()) || (ending_ && !runner_->finished());
}

Status Exec::more(Emitter& out) { return go_on(out); }

}  // namespace stream
