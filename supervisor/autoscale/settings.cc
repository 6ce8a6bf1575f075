#include "supervisor/autoscale/settings.h"

#include <algorithm>
#include <array>
#include <optional>

#include "transport/base/text.h"

namespace stream::autoscale {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::int32_t kDayMinutes = 24 * 60;

std::optional<int> day_of(const std::string& name) {
  const auto at = std::ranges::find(kDays, std::string_view(name));
  return at == kDays.end() ? std::nullopt : std::optional(static_cast<int>(at - kDays.begin()));
}

// "mon", "mon-fri"
std::optional<std::uint8_t> days_of(const std::string& text) {
  const std::vector<std::string> ends = split(text, '-');
  const auto first = day_of(ends.front());
  const auto last = day_of(ends.back());
  if (ends.size() > 2 || !first || !last) return std::nullopt;
  std::uint8_t days = 0;
  for (int day = *first;; day = (day + 1) % 7) {
    days = static_cast<std::uint8_t>(days | 1U << static_cast<unsigned>(day));
    if (day == *last) return days;
  }
}

// "09:30"
std::optional<std::int32_t> minutes_of(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() != 2 || parts[1].size() != 2) return std::nullopt;
  const auto hours = parse_integer(parts[0]);
  const auto minutes = parse_integer(parts[1]);
  if (!hours.ok() || !minutes.ok() || *hours < 0 || *minutes < 0 || *minutes > 59) return std::nullopt;
  const std::int64_t all = *hours * 60 + *minutes;
  return all > kDayMinutes ? std::nullopt : std::optional(static_cast<std::int32_t>(all));
}

}  // namespace

std::string_view to_string(Mode mode) {
  constexpr std::array<std::string_view, 3> kNames = {"off", "advice", "on"};
  return kNames[static_cast<std::size_t>(mode)];
}

bool Period::holds(Microseconds wall) const {
  const std::int64_t minutes = wall / 60'000'000;
  const auto minute = static_cast<std::int32_t>(minutes % kDayMinutes);
  const std::int64_t day = (minutes / kDayMinutes + 3) % 7;  // 1970 began on a Thursday
  const auto on = [&](std::int64_t of) { return (days >> static_cast<unsigned>(of) & 1U) != 0; };
  if (from < to) return on(day) && minute >= from && minute < to;
  return (on(day) && minute >= from) || (on((day + 6) % 7) && minute < to);
}

Result<Period> parse_period(std::string_view text) {
  const Status wrong =
      usage_error("'" + std::string(text) + "' is no period such as 09:00-17:30, or mon-fri 22:00-06:00 (UTC)");
  Period period;
  period.text = text;
  const std::size_t blank = text.rfind(' ');
  if (blank != std::string_view::npos) {
    period.days = 0;
    for (const std::string& part : split(std::string(text.substr(0, blank)), ',')) {
      const auto days = days_of(part);
      if (!days) return wrong;
      period.days = static_cast<std::uint8_t>(period.days | *days);
    }
  }
  const std::vector<std::string> ends =
      split(std::string(blank == std::string_view::npos ? text : text.substr(blank + 1)), '-');
  if (ends.size() != 2) return wrong;
  const auto from = minutes_of(ends[0]);
  const auto to = minutes_of(ends[1]);
  if (!from || !to || *from == *to) return wrong;
  period.from = *from;
  period.to = *to;
  return period;
}

}  // namespace stream::autoscale
