#include "stages/listen/listen.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cstdio>

#include "stages/listen/syslog.h"
#include "transport/base/secret.h"

namespace stream::listen {
namespace {

constexpr std::size_t kBytesAtOnce = 1 << 20;
constexpr std::size_t kRecordMax = 16 << 20;  // without the option
constexpr AboutMessage kAbout[] = {{"peer", kVarchar}, {"received", kTimestamp}};

enum Column : std::size_t { kOne, kInput, kOffset };

TableSpec inbox_spec() {
  TableSpec spec;
  spec.name = "inbox";
  spec.distribution = Distribution::kBroadcast;
  spec.key = {{"one", kBigint}};
  spec.value = {{"input", kBigint}, {"byte", kBigint}};
  return spec;
}

Result<IntakeOptions> intake_options(const Values& options, const std::string& folder, bool with_secrets) {
  IntakeOptions out;
  STREAM_ASSIGN(out.address, parse_address(options.text("address")));
  out.record_max = options.has("record-size-max") ? options.size("record-size-max") : kRecordMax;
  if (options.has("token") && with_secrets) {
    STREAM_ASSIGN(out.token, read_secret(system_files(), folder, options.text("token")));
  }
  return out;
}

void check(const Values& options, const Result<IntakeOptions>& found, std::vector<PlanError>& errors) {
  if (!found.ok()) {
    errors.push_back({"address", 0, found.status().what(), ""});
    return;
  }
  if (options.has("token") && found->address.protocol != Protocol::kHttp) {
    errors.push_back({"token", 0, "only http:// has a token", ""});
  }
  if (found->record_max > Inbox::kRecordMax / 2) {
    errors.push_back({"record-size-max", 0, "a record that is listened for has at most 32 MiB", ""});
  }
  if (found->address.syslog && options.has("schema")) {
    errors.push_back({"schema", 0, "the columns of syslog are known: " + to_string(syslog_schema()), "leave it out"});
  }
}

Status no_sample(const FormatOptions&, InputBuffer&) {
  return {Code::kNotFound, "nothing has been sent yet to find the schema in"};
}

Result<Values> with_syslog(Values options, bool syslog) {
  if (!syslog) return options;
  options.set("format", std::string("json"));
  options.set("schema", to_string(syslog_schema()));
  return options;
}

}  // namespace

PlanAnswer plan(const PlanRequest& request) {
  PlanAnswer answer;
  const auto found = intake_options(request.options, request.folder, false);
  check(request.options, found, answer.errors);
  if (!answer.errors.empty()) return answer;
  const Result<Values> options = with_syslog(request.options, found->address.syslog);
  const PlanRequest asked{*options,      request.inputs,    request.folder, request.parallelism,
                          request.stage, request.supervised};
  answer = plan_message_source(asked, {kAbout, no_sample});
  answer.state.push_back(inbox_spec());
  answer.keeps_inbox = true;
  answer.parallelism_max = 1;
  answer.parallelism_why = "one instance listens at an address";
  return answer;
}

Result<std::unique_ptr<Source>> Listen::make(Context& context) {
  STREAM_ASSIGN(IntakeOptions options, intake_options(context.options, context.folder, true));
  std::unique_ptr<Listen> source(new Listen(context, std::move(options)));
  STREAM_ASSIGN(const Values values, with_syslog(context.options, source->options_.address.syslog));
  STREAM_ASSIGN(source->rows_, MessageRows::make(context, values, kAbout));
  // Whoever starts the job can send as soon as it runs.
  const bool http = source->options_.address.protocol == Protocol::kHttp;
  STREAM_ASSIGN(source->intake_, http ? open_http(source->options_) : open_sockets(source->options_));
  return std::unique_ptr<Source>(std::move(source));
}

Listen::Listen(Context& context, IntakeOptions options)
    : context_(context),
      options_(std::move(options)),
      table_(context.state.table(inbox_spec())),
      inbox_(system_files(), context.spool, context.clock,
             [](const std::string& text) { std::fprintf(stderr, "stream-listen: warning: %s\n", text.c_str()); }),
      wake_fd_(::epoll_create1(EPOLL_CLOEXEC)) {}

Listen::~Listen() {
  intake_.reset();
  ::close(wake_fd_);
}

Status Listen::on_restored() {
  const Row row = table_.find({std::int64_t{1}});
  if (!row) return {};
  return begin({static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kInput)),
                static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kOffset))});
}

void Listen::watch(int fd, bool on) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(wake_fd_, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event);
}

Status Listen::begin(const SpoolPosition& from) {
  begun_ = true;
  watch(inbox_.wake_fd(), true);
  return inbox_.start(from);
}

Microseconds Listen::idle_wait() const { return inbox_.retry_at() ? Inbox::kRetryAfter : 10 * Inbox::kRetryAfter; }

// What is sent waits in its connection while the inbox is full.
Status Listen::take_in() {
  if (!inbox_.full()) STREAM_TRY(intake_->take(inbox_, context_.clock.wall_us()));
  STREAM_TRY(inbox_.serve());
  intake_->tell(inbox_.durable());
  if (hears_ == inbox_.full()) {
    hears_ = !hears_;
    watch(intake_->fd(), hears_);
  }
  return {};
}

Status Listen::add(std::string_view record, Emitter& out) {
  STREAM_ASSIGN(const Letter letter, opened(record));
  const std::function<std::string()> position = [&] { return std::string(letter.peer); };
  if (letter.too_long) {
    return out.bad_record({"the record is longer than " + std::to_string(options_.record_max) + " bytes", position(),
                           std::string(letter.payload.substr(0, kBadRecordTextMax))});
  }
  const MessageValue about[] = {letter.peer, letter.received};
  if (!options_.address.syslog) return rows_->add(letter.payload, about, position, out);
  return rows_->add(syslog_record(letter.payload, letter.received), about, position, out);
}

Result<Source::Poll> Listen::poll(Emitter& out) {
  if (!begun_) STREAM_TRY(begin({}));
  STREAM_TRY(take_in());
  auto more = inbox_.read(kBytesAtOnce, [&](std::string_view record) { return add(record, out); });
  // A bad record that ends the stage takes nothing with it that came before.
  if (more.ok() || more.status().code() == Code::kBadRecord) STREAM_TRY(rows_->flush(out));
  if (!more.ok()) return std::move(more).status();
  return *more ? Poll::kMore : Poll::kIdle;
}

Status Listen::before_snapshot() {
  if (!begun_ || context_.spool.empty()) return {};
  const SpoolPosition at = inbox_.position();
  const Row row = table_.upsert({std::int64_t{1}}).first;
  table_.set(row, kInput, static_cast<std::int64_t>(at.input));
  table_.set(row, kOffset, static_cast<std::int64_t>(at.offset));
  return {};
}

}  // namespace stream::listen
