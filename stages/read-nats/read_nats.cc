#include "stages/read-nats/read_nats.h"

namespace stream {
namespace {

constexpr std::size_t kMessagesAtOnce = 2048;
constexpr std::size_t kSampleMessages = 10'000;
constexpr std::size_t kSampleBytes = 1 << 20;

constexpr AboutMessage kAbout[] = {{"subject", kVarchar}, {"sequence", kBigint}, {"timestamp", kTimestamp}};

enum Column : std::size_t { kStream, kNext, kEnd, kCreated };

TableSpec splits_spec() {
  TableSpec spec;
  spec.name = "splits";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"stream", kVarchar}};
  spec.value = {{"next", kBigint}, {"end", kBigint}, {"created", kBigint}};
  return spec;
}

Result<StreamReading> reading_of(const Values& options) {
  StreamReading reading;
  reading.stream = options.text("stream");
  reading.subject = options.text("subject");
  STREAM_ASSIGN(reading.start, parse_start(options.text("start")));
  reading.stop_at_end = options.flag("stop-at-end");
  reading.patience = options.duration("patience");
  return reading;
}

Status sample(const PlanRequest& request, const FormatOptions& format, InputBuffer& to) {
  STREAM_ASSIGN(const auto connection, NatsConnection::open(request.options, request.folder));
  const std::string& stream = request.options.text("stream");
  STREAM_ASSIGN(const NatsStreamInfo info, connection->stream(stream));
  STREAM_ASSIGN(const auto puller, NatsPuller::open(*connection, {stream, request.options.text("subject")}));
  const std::uint64_t there = std::min<std::uint64_t>(puller->waiting(), kSampleMessages);
  for (std::uint64_t got = 0; got < there && to.bytes().size() < kSampleBytes;) {
    STREAM_ASSIGN(const std::vector<NatsMessage> messages, puller->fetch(static_cast<int>(there - got), 0));
    if (messages.empty()) break;
    got += messages.size();
    for (const NatsMessage& message : messages) append_message(format, message.payload(), to);
  }
  if (!to.bytes().empty()) return {};
  return {Code::kNotFound, "stream '" + info.name + "' has no message yet to find the schema in"};
}

}  // namespace

PlanAnswer plan_read_nats(const PlanRequest& request) {
  if (PlanAnswer wrong; !(wrong.errors = check_nats_servers(request.options)).empty()) return wrong;
  const auto sampler = [&](const FormatOptions& format, InputBuffer& to) { return sample(request, format, to); };
  PlanAnswer answer = plan_message_source(request, {kAbout, sampler});
  answer.state.push_back(splits_spec());
  answer.parallelism_max = 1;
  answer.parallelism_why = "a stream has one order, in which one instance reads it";
  return answer;
}

Result<std::unique_ptr<Source>> ReadNats::make(Context& context) {
  STREAM_ASSIGN(StreamReading reading, reading_of(context.options));
  std::unique_ptr<ReadNats> source(new ReadNats(context, std::move(reading)));
  STREAM_ASSIGN(source->rows_, MessageRows::make(context, kAbout));
  return std::unique_ptr<Source>(std::move(source));
}

ReadNats::ReadNats(Context& context, StreamReading reading)
    : context_(context), reading_(std::move(reading)), table_(context.state.table(splits_spec())) {}

Status ReadNats::on_restored() {
  if (const Row row = table_.find({std::string_view(reading_.stream)})) {
    position_.next = table_.get<std::int64_t>(row, kNext);
    position_.end = table_.get<std::int64_t>(row, kEnd);
    position_.created = table_.get<std::int64_t>(row, kCreated);
  }
  return {};
}

void ReadNats::start() {
  const auto connect = [this] { return NatsConnection::open(context_.options, context_.folder); };
  reader_ = std::make_unique<StreamReader>(connect, reading_, position_, context_.clock);
}

Status ReadNats::add(const ReadMessage& read, Emitter& out) {
  const std::uint64_t sequence = read.message.sequence;
  const std::function<std::string()> position = [&] { return reading_.stream + ":" + std::to_string(sequence); };
  if (!read.removed.empty()) return rows_->bad(read.removed, position(), out);
  const MessageValue values[] = {read.message.subject(), static_cast<std::int64_t>(sequence), read.message.time};
  return rows_->add(read.message.payload(), values, position, out);
}

Result<Source::Poll> ReadNats::poll(Emitter& out) {
  if (reader_ == nullptr) start();
  reader_->drain_wake();
  STREAM_ASSIGN(const StreamReader::Taken taken, reader_->take(kMessagesAtOnce));
  Status status;
  for (const ReadMessage& message : taken.messages) {
    status = add(message, out);
    if (!status.ok()) break;
  }
  // A bad record that ends the stage takes nothing with it that came before.
  if (status.ok() || status.code() == Code::kBadRecord) STREAM_TRY(rows_->flush(out));
  if (!status.ok()) return status;
  position_ = taken.position;
  if (taken.ended) return Poll::kEnd;
  return taken.messages.empty() ? Poll::kIdle : Poll::kMore;
}

Status ReadNats::before_snapshot() {
  if (position_ == StreamPosition()) return {};
  const auto [row, made] = table_.upsert({std::string_view(reading_.stream)});
  table_.set(row, kNext, position_.next);
  table_.set(row, kEnd, position_.end);
  table_.set(row, kCreated, position_.created);
  return {};
}

}  // namespace stream
