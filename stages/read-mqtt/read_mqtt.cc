#include "stages/read-mqtt/read_mqtt.h"

#include <cstdio>

#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream::mqtt {
namespace {

constexpr std::size_t kBytesAtOnce = 1 << 20;
constexpr AboutMessage kAbout[] = {
    {"topic", kVarchar}, {"qos", kBigint}, {"retain", kBigint}, {"received", kTimestamp}};

enum InboxColumn : std::size_t { kOne, kInput, kOffset, kHeld };

TableSpec inbox_spec() {
  TableSpec spec;
  spec.name = "inbox";
  spec.distribution = Distribution::kBroadcast;
  spec.key = {{"one", kBigint}};
  spec.value = {{"input", kBigint}, {"byte", kBigint}, {"held", kVarchar}};
  return spec;
}

// Packet ids and marks by turns, with blanks between.
std::string held_text(const Held& held) {
  std::string text;
  for (const auto& [packet, mark] : held) {
    text += std::to_string(packet) + " " + std::to_string(static_cast<std::int64_t>(mark)) + " ";
  }
  return text;
}

Held parse_held(std::string_view text) {
  Held held;
  const std::vector<std::string> words = split(text, ' ');
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const auto packet = parse_integer(words[i]);
    const auto mark = parse_integer(words[i + 1]);
    if (packet.ok() && mark.ok()) held[static_cast<std::uint16_t>(*packet)] = static_cast<std::uint64_t>(*mark);
  }
  return held;
}

Result<std::string> broker_of(const std::string& url) {
  const auto behind = [&](std::string_view scheme) { return url.substr(scheme.size()); };
  if (url.find('@') != std::string::npos)
    return usage_error("a secret is never written out; give 'user' and 'password'");
  const bool tls = url.starts_with("mqtts://");
  if (!tls && !url.starts_with("mqtt://")) return usage_error("an address begins with mqtt:// or mqtts://");
  std::string host = behind(tls ? "mqtts://" : "mqtt://");
  if (host.empty() || host.find('/') != std::string::npos) return usage_error("an address is mqtt://HOST:PORT");
  if (host.find(':') == std::string::npos) host += tls ? ":8883" : ":1883";
  return (tls ? "ssl://" : "tcp://") + host;
}

// + stands for a whole level, # for all that follow.
bool good_topic(std::string_view topic) {
  if (topic.empty()) return false;
  for (std::size_t i = 0; i < topic.size(); ++i) {
    if (topic[i] != '+' && topic[i] != '#') continue;
    const bool begins = i == 0 || topic[i - 1] == '/';
    const bool ends = i + 1 == topic.size() || (topic[i] == '+' && topic[i + 1] == '/');
    if (!begins || !ends) return false;
  }
  return true;
}

void check(const Values& options, std::vector<PlanError>& errors) {
  if (const auto broker = broker_of(options.text("server")); !broker.ok()) {
    errors.push_back({"server", 0, broker.status().what(), "such as mqtt://127.0.0.1:1883"});
  }
  for (const std::string& topic : options.list("topics")) {
    if (good_topic(topic)) continue;
    errors.push_back({"topics", 0, "'" + topic + "' is no topic",
                      "+ stands for a whole level between slashes, # for all that follow, at the end"});
  }
  const bool tls = options.text("server").starts_with("mqtts://");
  for (PlanError& error : check_tls_options(options, tls, "write mqtts:// in 'server'"))
    errors.push_back(std::move(error));
  if (options.has("password") && !options.has("user")) {
    errors.push_back({"password", 0, "a password is of a user", "give 'user' too"});
  }
}

Status no_sample(const FormatOptions&, InputBuffer&) {
  return {Code::kNotFound, "nothing has been sent yet to find the schema in"};
}

Result<Subscription> subscription_of(const Context& context) {
  const Values& options = context.options;
  Subscription out;
  out.server = options.text("server");
  STREAM_ASSIGN(out.broker, broker_of(out.server));
  out.topics = options.list("topics");
  out.qos = options.text("qos")[0] - '0';
  out.keep_session = !context.spool.empty();
  out.client_id = options.text("client-id");
  if (out.client_id.empty() && out.keep_session) out.client_id = "stream-" + context.job + "-" + context.stage;
  out.user = options.text("user");
  if (options.has("password")) {
    STREAM_ASSIGN(out.password, read_secret(system_files(), context.folder, options.text("password")));
  }
  STREAM_ASSIGN(out.tls, tls_files(options, context.folder));
  out.patience = options.duration("patience");
  return out;
}

}  // namespace

PlanAnswer plan(const PlanRequest& request) {
  PlanAnswer answer;
  check(request.options, answer.errors);
  if (!answer.errors.empty()) return answer;
  answer = plan_message_source(request, {kAbout, no_sample});
  answer.state.push_back(inbox_spec());
  answer.keeps_inbox = true;
  answer.exactly_once = false;  // a broker that is started again may send again, also with QoS 2
  answer.parallelism_max = 1;
  answer.parallelism_why = "one instance has the broker's session";
  return answer;
}

Result<std::unique_ptr<Source>> ReadMqtt::make(Context& context) {
  STREAM_ASSIGN(Subscription subscription, subscription_of(context));
  std::unique_ptr<ReadMqtt> source(new ReadMqtt(context, std::move(subscription)));
  STREAM_ASSIGN(source->rows_, MessageRows::make(context, kAbout));
  return std::unique_ptr<Source>(std::move(source));
}

ReadMqtt::ReadMqtt(Context& context, Subscription subscription)
    : context_(context),
      subscription_(std::move(subscription)),
      table_(context.state.table(inbox_spec())),
      mailbox_(*new Mailbox(context.spool, context.clock, [](const std::string& text) {
        std::fprintf(stderr, "stream-read-mqtt: warning: %s\n", text.c_str());
      })) {}

// The client's thread may wait for the disk in the middle of a message. It must not go on, as it would acknowledge
// what is not durable: so it is left as it is, with what it uses, until the process has ended.
ReadMqtt::~ReadMqtt() { mailbox_.close(); }

Status ReadMqtt::on_restored() {
  const Row row = table_.find({std::int64_t{1}});
  if (!row) return {};
  held_ = parse_held(table_.bytes(row, kHeld));
  return begin({static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kInput)),
                static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kOffset))});
}

Status ReadMqtt::begin(const SpoolPosition& from) {
  begun_ = true;
  return mailbox_.start(from);
}

Status ReadMqtt::add(std::string_view record, Emitter& out) {
  STREAM_ASSIGN(const Letter letter, opened(record));
  if (letter.release) {
    held_.erase(letter.packet);
    return {};
  }
  if (letter.qos == 2) held_[letter.packet] = mark_of(letter);
  const std::function<std::string()> position = [&] { return std::string(letter.topic); };
  const MessageValue about[] = {letter.topic, std::int64_t{letter.qos}, std::int64_t{letter.retained}, letter.received};
  return rows_->add(letter.payload, about, position, out);
}

Result<Source::Poll> ReadMqtt::poll(Emitter& out) {
  if (!begun_) STREAM_TRY(begin({}));
  STREAM_TRY(mailbox_.serve());
  auto more = mailbox_.read(kBytesAtOnce, [&](std::string_view record) { return add(record, out); });
  // A bad record that ends the stage takes nothing with it that came before.
  if (more.ok() || more.status().code() == Code::kBadRecord) STREAM_TRY(rows_->flush(out));
  if (!more.ok()) return std::move(more).status();
  if (*more) return Poll::kMore;
  if (client_ == nullptr) {
    mailbox_.hold(held_);  // all that the inbox held has been read, so these are held now
    client_ = new Client(subscription_, mailbox_, context_.clock);
  }
  STREAM_TRY(client_->error());
  return Poll::kIdle;
}

Status ReadMqtt::before_snapshot() {
  if (!begun_ || context_.spool.empty()) return {};
  const SpoolPosition at = mailbox_.position();
  const Row row = table_.upsert({std::int64_t{1}}).first;
  table_.set(row, kInput, static_cast<std::int64_t>(at.input));
  table_.set(row, kOffset, static_cast<std::int64_t>(at.offset));
  table_.set_bytes(row, kHeld, held_text(held_));
  return {};
}

}  // namespace stream::mqtt
