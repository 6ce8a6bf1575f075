// Tokens, of which only a hash is kept, and their roles.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream::http {

// What somebody may do: each role may do what those before it may.
enum class Role : std::uint8_t { kRead, kOperate, kAdmin };
std::string_view to_string(Role role);  // "read", "operate", "admin"
Result<Role> parse_role(std::string_view text);

struct Token {
  std::string name;
  Role role = Role::kRead;
  std::string sha256;  // 64 hex digits
};

// A line a token: NAME ROLE SHA256; # begins a remark. Errors: kUsage, naming file and line.
Result<std::vector<Token>> parse_tokens(const std::string& text, const std::string& file);
// The file must not be writable by others. Errors: as above, kNotFound, kSystem.
Result<std::vector<Token>> load_tokens(const std::string& file);

// A new token, and its line. Errors: kSystem.
struct NewToken {
  std::string secret;
  std::string line;
};
Result<NewToken> make_token(const std::string& name, Role role);

std::string sha256_of(std::string_view text);  // 64 hex digits

}  // namespace stream::http
