#include "stages/redis/connection.h"

#include <poll.h>

#include "stages/kit/no_sigpipe.h"
#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr timeval kConnectWithin{2, 0};
constexpr timeval kAnswerWithin{10, 0};
constexpr std::int64_t kPortMax = 65535;
constexpr std::string_view kScheme = "redis://";
constexpr std::string_view kTlsScheme = "rediss://";

Result<int> number_in(std::string_view text, std::int64_t max, std::string_view what) {
  const auto number = parse_integer(text);
  if (number.ok() && *number >= 0 && *number <= max) return static_cast<int>(*number);
  return usage_error("'" + std::string(text) + "' is no " + std::string(what));
}

}  // namespace

Result<RedisAddress> parse_redis_address(std::string_view url) {
  const bool tls = url.starts_with(kTlsScheme);
  if (!tls && !url.starts_with(kScheme)) return usage_error("an address begins with redis:// or rediss://");
  std::string_view rest = url.substr(tls ? kTlsScheme.size() : kScheme.size());
  if (rest.find('@') != std::string_view::npos)
    return usage_error("a secret is never written out; give 'user' and 'password'");
  RedisAddress out;
  out.tls = tls;
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view database = rest.substr(slash + 1);
    if (!database.empty()) { STREAM_ASSIGN(out.database, number_in(database, INT32_MAX, "number of a database")); }
    rest = rest.substr(0, slash);
  }
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && !rest.ends_with(']')) {
    STREAM_ASSIGN(out.port, number_in(rest.substr(colon + 1), kPortMax, "port"));
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (rest.empty()) return usage_error("the host is missing");
  out.host = rest;
  return out;
}

std::vector<PlanError> check_redis_server(const Values& options) {
  const auto address = parse_redis_address(options.text("server"));
  if (!address.ok()) return {{"server", 0, address.status().what(), "such as redis://127.0.0.1:6379/0"}};
  std::vector<PlanError> errors = check_tls_options(options, address->tls, "write rediss:// in 'server'");
  if (options.has("user") && !options.has("password")) {
    errors.push_back({"user", 0, "a user is proved by a password", "give 'password' too"});
  }
  return errors;
}

std::string_view redis_text(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}

std::span<redisReply* const> redis_items(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY) return {};
  return {reply.element, reply.elements};
}

Status redis_error(const redisReply& reply) {
  // What may be right later; everything else the server says is about what was asked.
  constexpr std::string_view kMayPass[] = {"LOADING",  "BUSY",       "OOM",        "MISCONF",   "READONLY",
                                           "TRYAGAIN", "MASTERDOWN", "NOREPLICAS", "EXECABORT", "CLUSTERDOWN"};
  const std::string_view text = redis_text(reply);
  for (const std::string_view each : kMayPass) {
    if (text.starts_with(each)) return failed("the server says: " + std::string(text));
  }
  return usage_error("the server says: " + std::string(text));
}

Status RedisConnection::lost() const {
  return failed("the connection to the server was lost: " + std::string(context_->errstr));
}

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const Values& options, const std::string& folder) {
  STREAM_ASSIGN(const RedisAddress address, parse_redis_address(options.text("server")));
  redisContext* context = redisConnectWithTimeout(address.host.c_str(), address.port, kConnectWithin);
  if (context == nullptr) return failed("unable to connect: out of memory");
  std::unique_ptr<RedisConnection> out(new RedisConnection(context));
  const std::string connecting = "unable to connect to '" + options.text("server") + "'";
  if (context->err != 0) return failed(connecting + ": " + context->errstr);
  redisSetTimeout(context, kAnswerWithin);
  redisEnableKeepAlive(context);
  if (address.tls) {
    STREAM_ASSIGN(const TlsFiles files, tls_files(options, folder));
    auto tls = RedisTls::begin(context->fd, address.host, files);
    if (!tls.ok()) return std::move(tls).status().while_doing(connecting);
    out->tls_ = *std::move(tls);
  }
  Status status = out->greet(options, folder, address.database);
  if (status.code() == Code::kUsage) status = usage_error(status.what() + "; check 'user' and 'password'");
  if (!address.tls && context->err != 0) {
    status = failed(status.what() + "; if this is its port for TLS, write rediss://");
  }
  if (!status.ok()) return std::move(status).while_doing(connecting);
  return out;
}

Status RedisConnection::greet(const Values& options, const std::string& folder, int database) {
  if (options.has("password")) {
    STREAM_ASSIGN(const std::string password, read_secret(system_files(), folder, options.text("password")));
    const std::string& user = options.text("user");
    const auto greeted = user.empty() ? ask({"AUTH", password}) : ask({"AUTH", user, password});
    STREAM_TRY(greeted.status());
  }
  return ask({"SELECT", std::to_string(database)}).status();
}

Status RedisConnection::append(std::span<const std::string_view> words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const int count = static_cast<int>(texts.size());
  if (tls_ == nullptr) {
    return redisAppendCommandArgv(context_.get(), count, texts.data(), sizes.data()) == REDIS_OK ? Status() : lost();
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, count, texts.data(), sizes.data());
  if (size < 0) return failed("unable to form a command: out of memory");
  unsent_.append(command, static_cast<std::size_t>(size));
  redisFreeCommand(command);
  return {};
}

Status RedisConnection::flush() {
  if (tls_ != nullptr) {
    STREAM_TRY(tls_->write(unsent_));
    unsent_.clear();
    return {};
  }
  NoSigpipe quiet;
  for (int done = 0; done == 0;) {
    if (redisBufferWrite(context_.get(), &done) == REDIS_OK) continue;
    quiet.raised();
    return lost();
  }
  return {};
}

Result<bool> RedisConnection::read_more(bool wait) {
  if (tls_ == nullptr) {
    pollfd readable{context_->fd, POLLIN, 0};
    if (!wait && ::poll(&readable, 1, 0) <= 0) return false;
    return redisBufferRead(context_.get()) == REDIS_OK ? Result<bool>(true) : Result<bool>(lost());
  }
  STREAM_ASSIGN(const std::string_view bytes, tls_->read(wait));
  if (bytes.empty()) return false;
  const bool fed = redisReaderFeed(context_->reader, bytes.data(), bytes.size()) == REDIS_OK;
  return fed ? Result<bool>(true) : Result<bool>(failed(context_->reader->errstr));
}

Result<RedisReply> RedisConnection::next(bool wait) {
  while (true) {
    void* got = nullptr;
    if (redisGetReplyFromReader(context_.get(), &got) != REDIS_OK) return lost();
    if (got != nullptr) {
      RedisReply reply(static_cast<redisReply*>(got));
      if (reply->type == REDIS_REPLY_ERROR) return redis_error(*reply);
      return reply;
    }
    STREAM_ASSIGN(const bool more, read_more(wait));
    if (!more) return RedisReply();
  }
}

Result<RedisReply> RedisConnection::answer() {
  STREAM_TRY(flush());
  return next(true);
}

Result<RedisReply> RedisConnection::ask(std::initializer_list<std::string_view> words) {
  STREAM_TRY(append(words));
  return answer();
}

Result<RedisReply> RedisConnection::arrived() { return next(false); }

}  // namespace stream
