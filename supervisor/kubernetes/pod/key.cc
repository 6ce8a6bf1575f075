#include "supervisor/kubernetes/pod/key.h"

#include <sys/random.h>

#include <cerrno>

namespace stream::kubernetes {
namespace {

constexpr std::size_t kBytes = 32;
constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Result<std::string> make_key() {
  std::string key(kBytes, '\0');
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    return Status(Code::kSystem, system_error("make", "a key", errno).what());
  return key;
}

std::string key_text(const std::string& key) {
  std::string text;
  for (const char c : key) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

Result<std::string> key_of(const std::string& text) {
  std::string key;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const std::size_t high = kDigits.find(text[i]), low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) break;
    key += static_cast<char>(high << 4 | low);
  }
  if (key.size() != kBytes || text.size() != 2 * kBytes) return usage_error("the key of this Pod is no key");
  return key;
}

}  // namespace stream::kubernetes
