#include "stages/kit/by_hand.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "snapshot/state_store.h"
#include "stages/kit/hand_endpoint.h"
#include "stages/kit/instance.h"
#include "stages/kit/option_table.h"
#include "stages/kit/piped_source.h"
#include "stages/kit/plan_json.h"
#include "stages/kit/stdin_source.h"
#include "stages/kit/stdout_writer.h"
#include "transport/base/sampled_input.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// The last thing a sender hears is that everything has been taken: it must leave before this process.
constexpr int kLingerMs = 1000;

// What is known of the other end that did not come.
std::string why(const Socket& socket) {
  return socket.key_refused() ? ": the other end has another key, or none; give both the same --key-file" : "";
}

class ByHand final : public ControlPort {
 public:
  ByHand(const StageProgram& program, Values values)
      : program_(program),
        values_(std::move(values)),
        store_({0, 1, kKeyGroupsDefault, false}),
        bad_records_(on_error_policy(values_, false), "stream-" + std::string(program.name),
                     std::string(program.name)) {}

  Status run();

  Status serve(RunLoop& loop) override;
  void add_to(Poller&) override {}
  Microseconds patience() const override { return 100'000; }
  Status on_open(RunLoop& loop) override {
    loop.start();
    return {};
  }
  Status on_idle(RunLoop& loop) override;
  Status on_barrier(RunLoop&, Epoch, BarrierTimes) override { return {}; }
  Status on_ended(RunLoop& loop) override;
  void give_what_is_there(RunLoop& loop);

 private:
  bool source_program() const { return program_.kind == StageKind::kSource; }
  bool reads_stdin() const { return !source_program() && values_.list("in").empty(); }
  bool writes_stdout() const;
  Status open_transport();
  std::string stdio_format() const;
  std::string stdin_schema() const;
  Result<FormatOptions> format_options() const;
  Result<std::vector<Receiver>> open_inputs(std::vector<PlanInput>* inputs);
  Status wait_for_open(std::vector<Receiver>& receivers, std::vector<PlanInput>* inputs);
  Result<SchemaPtr> wait_for_open(Receiver& receiver, Microseconds deadline);
  Status make_stdin();
  Result<bool> without_columns();
  Schema nothing_but_time() const;
  bool nothing_to_do(const PlanAnswer& answer) const;
  Result<PlanInput> open_stdin();
  Result<PlanAnswer> plan(const std::vector<PlanInput>& inputs);
  Result<PlanAnswer> ask(const std::vector<PlanInput>& inputs);
  Status make(const std::vector<PlanInput>& inputs, const PlanAnswer& answer);
  Status feed_from_stdin(const PlanInput& input, const PlanAnswer& answer);
  Result<Outputs> open_outputs();
  Status connect(std::vector<std::vector<OutputEdge>>& edges);
  Status wait_for_connections(Outputs& outputs);
  void open_stdout(Outputs& outputs);
  bool passes_lines() const { return program_.passes_lines && reads_stdin() && writes_stdout(); }
  bool names_time() const;
  void set_time(Schema& schema) const;

  const StageProgram& program_;
  Values values_;  // with what planning has found
  SampledInput sampled_{0, system_clock()};
  std::unique_ptr<Transport> transport_;
  StateStore store_;
  BadRecords bad_records_;
  std::optional<Context> context_;
  std::unique_ptr<StdinSource> stdin_;
  std::vector<std::size_t> input_of_;  // of each --in: which input it feeds
  bool columnless_ = false;            // standard input is empty, and no schema is given
  std::unique_ptr<StdoutWriter> stdout_;
  PipedSource* piped_ = nullptr;
  StageObject stage_;
};

Status ByHand::open_transport() {
  if (values_.list("in").empty() && values_.list("out").empty()) return {};
  transport_ = std::make_unique<Transport>();
  if (!values_.has("key-file")) return {};
  STREAM_ASSIGN(const CurveKeys keys, read_key_file(values_.text("key-file")));
  transport_->encrypt_tcp(keys);
  return {};
}

bool ByHand::writes_stdout() const {
  if (program_.kind == StageKind::kSink) return false;
  return std::ranges::none_of(values_.list("out"), [&](const std::string& text) {
    const auto out = parse_out(output_names(program_, values_), text);
    return out.ok() && out->output == 0;
  });
}

// A `format` of the stage's own is that of the files it reads or writes.
std::string ByHand::stdio_format() const {
  return find_option(program_.options, "format") == nullptr ? values_.text("format") : "ndjson";
}

// A `schema` of the stage's own is that of its results.
std::string ByHand::stdin_schema() const {
  return find_option(program_.options, "schema") == nullptr ? values_.text("schema") : "";
}

Result<FormatOptions> ByHand::format_options() const {
  FormatOptions options;
  const std::string format = stdio_format();
  STREAM_ASSIGN(options.format, parse_format(format == "tsv" ? "csv" : format));
  if (format == "tsv") options.delimiter = '\t';
  return options;
}

// A `time` of the stage's own is what it makes event time of.
bool ByHand::names_time() const { return values_.has("time") && find_option(program_.options, "time") == nullptr; }

void ByHand::set_time(Schema& schema) const {
  if (names_time()) schema.time = schema.find(values_.text("time"));
}

Status ByHand::make_stdin() {
  STREAM_ASSIGN(FormatOptions options, format_options());
  stdin_ = std::make_unique<StdinSource>(std::move(options));
  return {};
}

Schema ByHand::nothing_but_time() const {
  if (!names_time()) return {};
  return {.fields = {{values_.text("time"), kTimestamp}}, .time = 0, .key = {}};
}

// Without a byte no schema can be found. What can be done without columns, such as counting, is.
Result<bool> ByHand::without_columns() {
  if (!stdin_schema().empty()) return false;
  return stdin_->empty();
}

Result<PlanInput> ByHand::open_stdin() {
  STREAM_ASSIGN(columnless_, without_columns());
  if (columnless_) return PlanInput{"stdin", nothing_but_time()};
  auto schema = stdin_->schema(stdin_schema());
  if (!schema.ok() && schema.status().code() == Code::kFailed) {
    return Status(Code::kBadRecord, "standard input: " + schema.status().what() +
                                        "; check --format, or give --schema 'ts timestamp, n bigint'");
  }
  if (!schema.ok()) return std::move(schema).status();
  set_time(*schema);
  if (names_time() && !schema->time) {
    return usage_error("--time: no column '" + values_.text("time") + "'" +
                       did_you_mean(values_.text("time"), schema->names()));
  }
  return PlanInput{"stdin", *std::move(schema)};
}

Result<std::vector<Receiver>> ByHand::open_inputs(std::vector<PlanInput>* inputs) {
  std::vector<Receiver> receivers;
  std::vector<std::string> names;
  for (const std::string& text : values_.list("in")) {
    STREAM_ASSIGN(const InEndpoint in, parse_in(program_, text));
    const std::string& endpoint = in.endpoint;
    const auto known = std::ranges::find(names, in.input);
    input_of_.push_back(static_cast<std::size_t>(known - names.begin()));
    if (known == names.end()) names.push_back(in.input);
    STREAM_TRY(check_endpoint(endpoint, values_.has("key-file")));
    STREAM_TRY(check_place(endpoint));
    ChannelIdentity identity;
    identity.peer = endpoint;
    STREAM_ASSIGN(Receiver receiver, Receiver::bind(*transport_, endpoint, identity));
    receiver.socket().set_linger(kLingerMs);
    receivers.push_back(std::move(receiver));
  }
  for (std::string& name : names) inputs->push_back({std::move(name), {}});
  STREAM_TRY(wait_for_open(receivers, inputs));
  return receivers;
}

// Takes each sender's `open`: only then are the input schemas known.
Status ByHand::wait_for_open(std::vector<Receiver>& receivers, std::vector<PlanInput>* inputs) {
  const Microseconds deadline = system_clock().monotonic_us() + values_.duration("connect-timeout");
  std::vector<bool> known(inputs->size(), false);
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    STREAM_ASSIGN(const SchemaPtr schema, wait_for_open(receivers[i], deadline));
    PlanInput& input = (*inputs)[input_of_[i]];
    if (!known[input_of_[i]]) input.schema = *schema;
    known[input_of_[i]] = true;
    if (input.schema.fields == schema->fields) continue;
    return usage_error("'" + receivers[i].endpoint() + "' sends (" + to_string(*schema) + "), another sender (" +
                       to_string(input.schema) + ")");
  }
  return {};
}

Result<SchemaPtr> ByHand::wait_for_open(Receiver& receiver, Microseconds deadline) {
  for (;;) {
    auto received = receiver.receive();
    if (!received.ok()) return std::move(received).status();
    if (*received) {
      STREAM_ASSIGN(SchemaPtr schema, shared_schema((*received)->schema));
      receiver.expect(schema);
      return schema;
    }
    const Microseconds left = deadline - system_clock().monotonic_us();
    if (left <= 0) {
      return failed("no sender on '" + receiver.endpoint() + "' within --connect-timeout" + why(receiver.socket()));
    }
    Poller poller;
    poller.add(receiver.socket().handle());
    poller.add(receiver.socket().monitor());
    STREAM_TRY(poller.wait(left));
  }
}

// A source of standard input may want to see its beginning first.
Result<PlanAnswer> ByHand::ask(const std::vector<PlanInput>& inputs) {
  char folder[4096];
  if (::getcwd(folder, sizeof folder) == nullptr) return system_error("find", "current folder", errno);
  PlanRequest request{values_, inputs, folder, 1, std::string(program_.name), false};
  for (;;) {
    PlanAnswer answer = plan_stage(program_, request);
    if (answer.sample_bytes == 0) return answer;
    const std::size_t most = answer.sample_bytes;
    STREAM_TRY(sampled_.gather(most));
    request.sample = {std::string(sampled_.bytes()), sampled_.ended(), sampled_.exhausted(most)};
  }
}

// Whether an empty input leaves nothing to do: a sink has nothing to write, and all that is wrong
// elsewhere is that there are no columns.
bool ByHand::nothing_to_do(const PlanAnswer& answer) const {
  if (!columnless_) return false;
  if (answer.errors.empty()) return program_.kind == StageKind::kSink;
  return std::ranges::none_of(answer.errors, wrong_for_any_input);
}

std::string text_of(const PlanError& error) {
  std::string what = error.option.empty() ? "" : "option '" + error.option + "'";
  if (error.offset > 0) what += " at character " + std::to_string(error.offset + 1);
  if (!what.empty()) what += ": ";
  return what + error.message + (error.hint.empty() ? "" : "; " + error.hint);
}

Result<PlanAnswer> ByHand::plan(const std::vector<PlanInput>& inputs) {
  STREAM_ASSIGN(PlanAnswer answer, ask(inputs));
  for (const auto& [option, text] : answer.fixed) values_.set(option, text);
  if (nothing_to_do(answer)) return answer;
  if (!answer.errors.empty()) return usage_error(text_of(answer.errors.front()));
  for (const std::string& warning : answer.warnings) {
    std::fprintf(stderr, "stream-%s: warning: %s\n", std::string(program_.name).c_str(), warning.c_str());
  }
  return answer;
}

Status ByHand::make(const std::vector<PlanInput>& inputs, const PlanAnswer& answer) {
  char folder[4096];
  if (::getcwd(folder, sizeof folder) == nullptr) return system_error("find", "current folder", errno);
  context_.emplace(Context{values_,
                           folder,
                           {},
                           {},
                           store_,
                           system_clock(),
                           "",
                           std::string(program_.name),
                           "",
                           0,
                           1,
                           kKeyGroupsDefault,
                           512ULL << 20,
                           false,
                           "",
                           sampled_.take()});
  for (const PlanInput& input : inputs) {
    context_->inputs.push_back(std::make_shared<const Schema>(input.schema));
    context_->input_names.push_back(input.name);
  }
  for (const OutputPlan& output : answer.outputs) {
    context_->outputs.push_back(std::make_shared<const Schema>(output.schema));
  }
  if (reads_stdin()) return feed_from_stdin(inputs.front(), answer);
  STREAM_ASSIGN(stage_, make_stage(program_, *context_));
  return {};
}

// Reads only the columns that are used. A stage that passes lines through gets the line as one
// more column, and standard output is that column.
Status ByHand::feed_from_stdin(const PlanInput& input, const PlanAnswer& answer) {
  std::set<std::size_t> used;
  const auto use = [&](const std::string& column) {
    if (const auto at = input.schema.find(column)) used.insert(*at);
  };
  if (input.schema.time) used.insert(*input.schema.time);
  for (const InputPlan& needs : answer.inputs) std::ranges::for_each(needs.needs, use);
  if (!passes_lines()) {
    for (const OutputPlan& output : answer.outputs) {
      for (const auto& field : output.lineage) {
        for (const ColumnRef& column : field) use(column.column);
      }
    }
  }
  const auto wanted = std::make_shared<const Schema>(project(input.schema, {used.begin(), used.end()}));
  STREAM_TRY(stdin_->want(input.schema, wanted, passes_lines()));
  context_->inputs[0] = wanted;
  if (passes_lines()) {
    Schema with = *wanted;
    with.fields.push_back({std::string(kRawLineColumn), kVarchar});
    context_->inputs[0] = std::make_shared<const Schema>(with);
    context_->outputs[0] = context_->inputs[0];
  }
  STREAM_ASSIGN(StageObject inner, make_stage(program_, *context_));
  const WatermarkGenerator generator(values_.duration("out-of-order"),
                                     values_.has("idle") ? values_.duration("idle") : 0);
  auto piped = std::make_unique<PipedSource>(std::move(stdin_), std::move(inner.op), std::move(inner.sink), generator,
                                             system_clock());
  piped_ = piped.get();
  stage_.source = std::move(piped);
  return {};
}

Status ByHand::connect(std::vector<std::vector<OutputEdge>>& edges) {
  for (const std::string& text : values_.list("out")) {
    STREAM_ASSIGN(const OutEndpoint out, parse_out(output_names(program_, values_), text));
    STREAM_TRY(check_endpoint(out.endpoint, values_.has("key-file")));
    const bool errors = out.output == errors_output(program_, values_);
    if (!errors && out.output >= context_->outputs.size()) {
      return usage_error("--out: no output '" + output_names(program_, values_)[out.output] + "' with these options");
    }
    const SchemaPtr schema = errors ? errors_schema() : context_->outputs[out.output];
    OutputEdge::Config config;
    config.to = out.endpoint;
    config.schema = schema;
    for (std::size_t i = 0; i < schema->fields.size(); ++i) config.columns.push_back(i);
    ChannelIdentity identity;
    identity.peer = out.endpoint;
    STREAM_ASSIGN(Sender sender, Sender::connect(*transport_, out.endpoint, identity, 4 << 20, true));
    STREAM_TRY(sender.open(*schema, system_clock().wall_us()));
    std::vector<Sender> senders;
    senders.push_back(std::move(sender));
    edges[out.output].emplace_back(std::move(config), std::move(senders));
  }
  return {};
}

Status ByHand::wait_for_connections(Outputs& outputs) {
  const Microseconds deadline = system_clock().monotonic_us() + values_.duration("connect-timeout");
  Status status;
  outputs.for_each_channel([&](OutputChannel& channel) {
    Sender& sender = channel.sender();
    while (status.ok() && !sender.socket().connection_made()) {
      status = sender.service(system_clock().monotonic_us());
      if (sender.socket().connection_made() || !status.ok()) return;
      const Microseconds left = deadline - system_clock().monotonic_us();
      if (left <= 0) {
        status =
            failed("nobody listens on '" + sender.endpoint() + "' within --connect-timeout" + why(sender.socket()));
        return;
      }
      Poller poller;
      poller.add(sender.socket().monitor());
      status = poller.wait(left);
    }
  });
  return status;
}

void ByHand::open_stdout(Outputs& outputs) {
  if (!writes_stdout()) return;
  EncoderOptions options;
  const std::string format = stdio_format();
  if (format == "csv" || format == "tsv") options.format = OutputFormat::kCsv;
  if (format == "tsv") options.delimiter = '\t';
  const SchemaPtr schema = context_->outputs[0];
  const std::optional<std::size_t> raw = passes_lines() ? schema->find(kRawLineColumn) : std::nullopt;
  const auto updates = values_.text("emit") == "updates" ? StdoutWriter::Updates::kAll : StdoutWriter::Updates::kFinal;
  stdout_ = std::make_unique<StdoutWriter>(options, schema, updates, store_, raw);
  outputs.connect_local(0, [this](const Batch& batch) { return stdout_->write(batch); });
}

Result<Outputs> ByHand::open_outputs() {
  std::vector<std::vector<OutputEdge>> edges(errors_output(program_, values_) + 1);
  STREAM_TRY(connect(edges));
  Outputs outputs(std::move(edges));
  STREAM_TRY(wait_for_connections(outputs));
  open_stdout(outputs);
  return outputs;
}

Status ByHand::run() {
  if (program_.before_plain != nullptr) STREAM_TRY(program_.before_plain(values_));
  STREAM_TRY(open_transport());
  std::vector<PlanInput> inputs;
  std::vector<Receiver> receivers;
  if (reads_stdin()) {
    STREAM_TRY(make_stdin());
    STREAM_ASSIGN(PlanInput input, open_stdin());
    inputs.push_back(std::move(input));
  } else if (!source_program()) {
    STREAM_ASSIGN(receivers, open_inputs(&inputs));
  }
  STREAM_ASSIGN(const PlanAnswer answer, plan(inputs));
  if (nothing_to_do(answer)) return {};
  STREAM_TRY(make(inputs, answer));
  STREAM_ASSIGN(Outputs outputs, open_outputs());
  LoopConfig config;
  config.out_of_order = values_.duration("out-of-order");
  config.idle_after = values_.has("idle") ? values_.duration("idle") : 0;
  config.program = "stream-" + std::string(program_.name);
  config.input_of = input_of_;
  RunLoop loop(std::move(config), stage_, std::move(receivers), std::move(outputs), bad_records_, system_clock());
  loop.assume_open();
  if (loop.outputs().connected(errors_output(program_, values_))) {
    bad_records_.connect([&](Batch rows) { return loop.outputs().add(errors_output(program_, values_), rows); });
  }
  Status status = loop.run(*this);
  if (!status.ok()) give_what_is_there(loop);
  return status;
}

// A stage that fails has given what came before, as if it had paused there. What fails now as well is not
// what ended it.
void ByHand::give_what_is_there(RunLoop& loop) { static_cast<void>(on_idle(loop)); }

Status ByHand::on_idle(RunLoop&) {
  if (stdout_) STREAM_TRY(stdout_->flush());
  if (piped_ != nullptr) return piped_->flush();
  return stage_.sink ? stage_.sink->flush() : Status();
}

Status ByHand::on_ended(RunLoop& loop) {
  bad_records_.finish();
  STREAM_TRY(on_idle(loop));
  return stdout_ ? stdout_->finish() : Status();
}

Status ByHand::serve(RunLoop& loop) {
  if (loop.ended() && loop.outputs().idle() && loop.outputs().all_closed()) loop.leave();
  return {};
}

}  // namespace

Status run_by_hand(const StageProgram& program, const Values& values) { return ByHand(program, values).run(); }

}  // namespace stream
