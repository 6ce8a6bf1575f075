#include "supervisor/http/tokens.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>

#include "snapshot/digest.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr std::array<std::string_view, 3> kRoles = {"read", "operate", "admin"};

bool is_token_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

std::string_view to_string(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

Result<Role> parse_role(std::string_view text) {
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (text == kRoles[i]) return static_cast<Role>(i);
  }
  return usage_error("'" + std::string(text) + "' is no role; there are read, operate and admin");
}

std::string sha256_of(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hash.finish().sha256;
}

Result<std::vector<Token>> parse_tokens(const std::string& text, const std::string& file) {
  std::vector<Token> tokens;
  std::size_t number = 0;
  for (const std::string& whole : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(std::string_view(whole).substr(0, whole.find('#')));
    if (line.empty()) continue;
    std::vector<std::string> words = split(line, ' ');
    std::erase(words, "");
    const std::string where = "'" + file + "' line " + std::to_string(number);
    if (words.size() != 3 || !is_token_name(words[0]) || words[2].size() != 64)
      return usage_error(where + " is not NAME ROLE SHA256; 'stream serve --new-token NAME=ROLE' makes one");
    const auto role = parse_role(words[1]);
    if (!role.ok()) return usage_error(where + ": " + role.status().what());
    tokens.push_back({words[0], *role, lower(words[2])});
  }
  return tokens;
}

Result<std::vector<Token>> load_tokens(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return system_error("look at", file, errno);
  if ((info.st_mode & 022) != 0)
    return usage_error("'" + file + "' can be written by others, who could let themselves in; set its mode to 0600");
  STREAM_ASSIGN(const std::string text, system_files().read_file(file));
  STREAM_ASSIGN(std::vector<Token> tokens, parse_tokens(text, file));
  if (tokens.empty())
    return usage_error("'" + file + "' holds no token; 'stream serve --new-token NAME=ROLE --tokens FILE' makes one");
  return tokens;
}

Result<NewToken> make_token(const std::string& name, Role role) {
  if (!is_token_name(name))
    return usage_error("'" + name + "' is no name of a token: letters, digits, '-', '_' and '.', 64 at most");
  unsigned char bytes[32];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return system_error("read", "random bytes", errno);
  constexpr std::string_view kDigits = "0123456789abcdef";
  NewToken token;
  for (const unsigned char byte : bytes) {
    token.secret += kDigits[byte >> 4U];
    token.secret += kDigits[byte & 15U];
  }
  token.line = name + " " + std::string(to_string(role)) + " " + sha256_of(token.secret) + "\n";
  return token;
}

}  // namespace stream::http
