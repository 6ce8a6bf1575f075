#include "stages/write-http/write_http.h"

#include <httplib.h>

#include <chrono>

#include "stages/kit/message_sink.h"
#include "stages/kit/no_sigpipe.h"
#include "stages/kit/retry.h"
#include "stages/kit/tls_options.h"
#include "transport/base/secret.h"

namespace stream {
namespace {

constexpr std::size_t kAnswerTextMax = 300;
constexpr std::chrono::seconds kConnectTimeout{10};
constexpr std::chrono::seconds kAnswerTimeout{60};

std::string content_type_of(const std::string& format) {
  if (format == "json") return "application/json";
  if (format == "csv") return "text/csv";
  return format == "text" ? "text/plain" : "application/x-ndjson";
}

struct Header {
  std::string name;
  std::string value;
};

Result<Header> parse_header(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::size_t value = text.find_first_not_of(' ', colon == std::string::npos ? colon : colon + 1);
  if (colon == std::string::npos || colon == 0 || value == std::string::npos) {
    return usage_error("'" + text + "' is no header: Name: value");
  }
  if (text.find_first_of("\r\n") != std::string::npos) return usage_error("a header is one line");
  return Header{text.substr(0, colon), text.substr(value)};
}

std::string first_line(const std::string& text) { return text.substr(0, std::min(text.find('\n'), kAnswerTextMax)); }

void check_options(const Values& options, std::vector<PlanError>& errors) {
  if (const auto target = parse_target(options.text("url")); !target.ok()) {
    errors.push_back({"url", 0, target.status().what(), ""});
  }
  const bool tls = options.text("url").starts_with("https://");
  for (PlanError& error : check_tls_options(options, tls, "write https:// in 'url'"))
    errors.push_back(std::move(error));
  for (const std::string& header : options.list("header")) {
    if (const auto parsed = parse_header(header); !parsed.ok())
      errors.push_back({"header", 0, parsed.status().what(), ""});
  }
  if (options.integer("rows") < 1) errors.push_back({"rows", 0, "a request has at least one row", ""});
}

}  // namespace

Result<HttpTarget> parse_target(std::string_view url) {
  const std::size_t mark = url.find("://");
  const std::string_view scheme = url.substr(0, mark);
  if (mark == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return usage_error("'" + std::string(url) + "' begins neither with http:// nor with https://");
  }
  const std::size_t slash = url.find('/', mark + 3);
  const std::string_view server = url.substr(0, slash);
  if (server.size() == mark + 3) return usage_error("'" + std::string(url) + "' names no server");
  if (server.find('@') != std::string_view::npos) {
    return usage_error("a URL with a password would be in logs; use 'token', or a header of your own");
  }
  return HttpTarget{std::string(server), slash == std::string_view::npos ? "/" : std::string(url.substr(slash))};
}

PlanAnswer plan_write_http(const PlanRequest& request) {
  PlanAnswer answer = plan_message_sink(request, request.inputs[0].schema.fields);
  check_options(request.options, answer.errors);
  answer.exactly_once = false;
  answer.visible = "request by request, behind each checkpoint";
  return answer;
}

Result<std::unique_ptr<Sink>> WriteHttp::make(Context& context) {
  std::vector<PlanError> errors;
  const Values& options = context.options;
  const MessageEncoderOptions encoding = message_output_of(options, *context.inputs[0], errors);
  check_options(options, errors);
  if (!errors.empty()) return usage_error("option '" + errors[0].option + "': " + errors[0].message);
  STREAM_ASSIGN(HttpTarget target, parse_target(options.text("url")));
  Requests requests(
      {options.text("format") == "json", static_cast<std::size_t>(options.integer("rows")), context.run, context.stage},
      MessageEncoder(encoding, context.inputs[0]));
  std::unique_ptr<WriteHttp> sink(new WriteHttp(context, std::move(target), std::move(requests)));
  STREAM_TRY(sink->prepare_client());
  return std::unique_ptr<Sink>(std::move(sink));
}

WriteHttp::WriteHttp(Context& context, HttpTarget target, Requests requests)
    : OutboxSink(context, outbox_spec("outbox", context.inputs[0]->fields)),
      context_(context),
      target_(std::move(target)),
      patience_(context.options.duration("patience")),
      requests_(std::move(requests)),
      content_type_(content_type_of(context.options.text("format"))) {}

WriteHttp::~WriteHttp() = default;

Status WriteHttp::prepare_client() {
  const Values& options = context_.options;
  httplib::Headers headers;
  for (const std::string& text : options.list("header")) {
    STREAM_ASSIGN(const Header header, parse_header(text));
    headers.emplace(header.name, header.value);
  }
  if (options.has("token")) {
    STREAM_ASSIGN(const std::string token, read_secret(system_files(), context_.folder, options.text("token")));
    headers.emplace("Authorization", "Bearer " + token);
  }
  STREAM_ASSIGN(const TlsFiles files, tls_files(options, context_.folder));
  client_ = std::make_unique<httplib::Client>(target_.server, files.certificate, files.key);
  client_->set_default_headers(headers);
  client_->set_keep_alive(true);
  client_->set_tcp_nodelay(true);
  client_->set_connection_timeout(kConnectTimeout);
  client_->set_read_timeout(kAnswerTimeout);
  client_->set_write_timeout(kAnswerTimeout);
  if (!files.authority.empty()) client_->set_ca_cert_path(files.authority.c_str());
  return {};
}

Status WriteHttp::begin(Epoch /*epoch*/, std::span<const Prepared> /*pending*/) { return {}; }

// Until the server has taken it, refuses it for good, or patience is over.
Status WriteHttp::send(const HttpBody& body) {
  int tries = 0;
  std::string retry_after;
  return retry(
      *context_.trouble, context_.clock, Patience(patience_), [&] { return try_once(body, &retry_after); },
      [&] { return retry_delay(tries++, retry_after); });
}

Status WriteHttp::try_once(const HttpBody& body, std::string* retry_after) {
  const std::string posting = "unable to post to '" + target_.server + target_.path + "'";
  httplib::Headers headers;
  if (!body.key.empty()) headers.emplace("Idempotency-Key", body.key);
  NoSigpipe quiet;
  quiet.raised();
  retry_after->clear();
  const httplib::Result result = client_->Post(target_.path, headers, body.text, content_type_);
  if (result.error() == httplib::Error::SSLServerVerification) {
    return not_trusted("verification failed").while_doing(posting);
  }
  if (!result) return failed(posting + ": " + httplib::to_string(result.error()));
  const Answer answer = meaning(result->status);
  if (answer == Answer::kTaken) return {};
  const std::string why = "it answers " + std::to_string(result->status) + ": " + first_line(result->body);
  if (answer == Answer::kNever) {
    return {Code::kBadRecord, "'" + target_.server + target_.path + "' refuses rows: " + why};
  }
  *retry_after = result->get_header_value("Retry-After");
  return failed(posting + ": " + why);
}

Status WriteHttp::make_visible(std::span<const Prepared> due) {
  for (const Prepared& prepared : due) {
    for (const HttpBody& body : requests_.of(prepared.committable, prepared.batches)) STREAM_TRY(send(body));
  }
  return {};
}

Status WriteHttp::write_now(const std::vector<Batch>& batches) {
  for (const HttpBody& body : requests_.of({}, batches)) STREAM_TRY(send(body));
  return {};
}

Status WriteHttp::rewind(Epoch epoch) {
  return failed("unable to take back what was posted to '" + target_.server + target_.path + "' since checkpoint " +
                std::to_string(epoch.value()));
}

}  // namespace stream
