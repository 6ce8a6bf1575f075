// Who may do what. Without tokens only this machine is let in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/http/message.h"
#include "supervisor/http/tokens.h"

namespace stream::http {

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
