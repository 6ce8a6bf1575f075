#include "supervisor/instant_text.h"

#include <ctime>

namespace stream {
namespace {

// The digits of a fraction as microseconds; moves `at` behind them.
Microseconds fraction_of(const char*& at) {
  Microseconds out = 0;
  Microseconds unit = 100'000;
  for (++at; *at >= '0' && *at <= '9'; ++at, unit /= 10) out += unit * (*at - '0');
  return out;
}

// "Z", "+02:00", "+0200", "+02" or nothing. False for anything else.
bool offset_of(const char* at, Microseconds& offset) {
  if (*at == '\0' || ((*at == 'Z' || *at == 'z') && at[1] == '\0')) return true;
  std::tm zone{};
  if (*at != '+' && *at != '-') return false;
  const char* end = ::strptime(at + 1, "%H:%M", &zone);
  if (end == nullptr) end = ::strptime(at + 1, "%H%M", &zone);
  if (end == nullptr) end = ::strptime(at + 1, "%H", &zone);
  if (end == nullptr || *end != '\0') return false;
  offset = (zone.tm_hour * 3600LL + zone.tm_min * 60LL) * (*at == '-' ? -1'000'000 : 1'000'000);
  return true;
}

}  // namespace

std::optional<Microseconds> instant_of(const std::string& text) {
  std::tm time{};
  const char* at = ::strptime(text.c_str(), "%Y-%m-%d", &time);
  if (at == nullptr) return std::nullopt;
  if (*at == 'T' || *at == 't' || *at == ' ') {
    const char* minutes = ::strptime(at + 1, "%H:%M", &time);
    if (minutes == nullptr) return std::nullopt;
    at = *minutes == ':' ? ::strptime(minutes, ":%S", &time) : minutes;
    if (at == nullptr) return std::nullopt;
  }
  const Microseconds fraction = *at == '.' ? fraction_of(at) : 0;
  Microseconds offset = 0;
  if (!offset_of(at, offset)) return std::nullopt;
  return ::timegm(&time) * Microseconds{1'000'000} + fraction - offset;
}

}  // namespace stream
