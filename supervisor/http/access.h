// Who may do what. Tokens are kept as hashes; without any, only this machine is let in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/http/message.h"

namespace stream::http {

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

class Access {
 public:
  // Without tokens a request may call this server by a name of this machine's own, or by `address`; see gate().
  Access(std::vector<Token> tokens, std::string address) : tokens_(std::move(tokens)), address_(std::move(address)) {}

  // Looks at a request before its body is read; fills in who it is. Nothing: it goes on.
  //
  // A browser that shows somebody else's page must not be made to ask: what comes from another origin changes nothing,
  // no answer may be read by another origin, and where no token is needed the request must have been sent to a name of
  // this machine, so that no foreign name that leads here is of use.
  std::optional<Answer> gate(const Head& head, Request& request) const;

 private:
  std::optional<Answer> identify(const Head& head, Request& request, Role& role) const;

  const std::vector<Token> tokens_;
  const std::string address_;
};

}  // namespace stream::http
