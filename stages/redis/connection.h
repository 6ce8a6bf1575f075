// RedisConnection: a connection to a Redis server: commands sent, and their answers, in order.
//
// The client library formats and parses; with TLS the bytes go through stages/redis/tls.h.
#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stages/kit/option.h"
#include "stages/kit/plan.h"
#include "stages/redis/tls.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr Option kRedisServerOption{
    .name = "server",
    .arg = "URL",
    .doc = "Address of the server, redis://HOST:PORT/DATABASE; with TLS rediss://.",
    .fallback = "redis://127.0.0.1:6379/0"};
inline constexpr Option kRedisUserOption{.name = "user", .arg = "NAME", .doc = "User name, of the server's ACL."};
inline constexpr Option kRedisPasswordOption{
    .name = "password", .arg = "SECRET", .doc = "Password of the user.", .kind = OptionKind::kSecret};
inline constexpr Option kRedisPatienceOption{
    .name = "patience",
    .arg = "DURATION",
    .doc = "How long the server may be away before the stage fails, and is restarted.",
    .kind = OptionKind::kDuration,
    .fallback = "30s"};

struct RedisAddress {
  std::string host;
  int port = 6379;
  int database = 0;
  bool tls = false;
};
// Errors: kUsage.
Result<RedisAddress> parse_redis_address(std::string_view url);
// What is wrong with 'server' and the options about TLS.
std::vector<PlanError> check_redis_server(const Values& options);

struct RedisFree {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
  void operator()(redisContext* context) const { redisFree(context); }
};
using RedisReply = std::unique_ptr<redisReply, RedisFree>;

std::string_view redis_text(const redisReply& reply);
std::span<redisReply* const> redis_items(const redisReply& reply);
// An answer that is an error, as a Status: kUsage where asking again cannot help, else kFailed.
Status redis_error(const redisReply& reply);

class RedisConnection {
 public:
  // Connects, within 2 s. Errors: kUsage for wrong options, refused credentials and a server that is not trusted,
  // else kFailed.
  static Result<std::unique_ptr<RedisConnection>> open(const Values& options, const std::string& folder);

  // Sends later, with flush() or an answer that is waited for.
  Status append(std::span<const std::string_view> words);
  Status append(std::initializer_list<std::string_view> words) { return append({words.begin(), words.size()}); }
  Status flush();
  // The next answer, waited for at most 10 s. An error as an answer is one of the call.
  Result<RedisReply> answer();
  Result<RedisReply> ask(std::initializer_list<std::string_view> words);
  // The next answer, if it has come.
  Result<RedisReply> arrived();  // null: not yet
  int fd() const { return context_->fd; }

 private:
  explicit RedisConnection(redisContext* context) : context_(context) {}
  Status lost() const;
  Result<bool> read_more(bool wait);  // false: nothing came
  Result<RedisReply> next(bool wait);
  Status greet(const Values& options, const std::string& folder, int database);

  std::unique_ptr<redisContext, RedisFree> context_;
  std::unique_ptr<RedisTls> tls_;  // null: none
  std::string unsent_;             // with TLS
};

}  // namespace stream
