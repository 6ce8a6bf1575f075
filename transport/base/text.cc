#include "transport/base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <limits>
#include <numeric>

namespace stream {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

// Longest names first where one is the prefix of another.
constexpr std::array kDurations = {
    Unit{"us", 1},
    Unit{"ms", 1'000},
    Unit{"s", 1'000'000},
    Unit{"m", 60'000'000},
    Unit{"h", 3'600'000'000},
    Unit{"d", 86'400'000'000},
    Unit{"w", 604'800'000'000},
};

constexpr std::array kSizes = {
    Unit{"", 1},          Unit{"B", 1},         Unit{"KB", 1'000},    Unit{"MB", 1'000'000}, Unit{"GB", 1'000'000'000},
    Unit{"KiB", 1 << 10}, Unit{"MiB", 1 << 20}, Unit{"GiB", 1 << 30},
};

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  const auto it = std::ranges::find(units, name, &Unit::name);
  return it == units.end() ? nullptr : &*it;
}

std::string_view take_while(std::string_view& text, int (*predicate)(int)) {
  std::size_t n = 0;
  while (n < text.size() && predicate(static_cast<unsigned char>(text[n])) != 0) ++n;
  const std::string_view taken = text.substr(0, n);
  text.remove_prefix(n);
  return taken;
}

Status bad_duration(std::string_view text) {
  return usage_error("'" + std::string(text) + "' is not a duration; write one like 100ms, 5s or 1m30s");
}

Status bad_size(std::string_view text) {
  return usage_error("'" + std::string(text) + "' is not a size; write one like 64KiB, 128MiB or 1GB");
}

bool multiply_add(std::int64_t& sum, std::int64_t count, std::int64_t unit) {
  std::int64_t product = 0;
  return !__builtin_mul_overflow(count, unit, &product) && !__builtin_add_overflow(sum, product, &sum);
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return usage_error("'" + std::string(text) + "' is not an integer");
  }
  return value;
}

Result<Microseconds> parse_duration(std::string_view text) {
  if (text == "0") return Microseconds{0};
  if (text.empty()) return bad_duration(text);
  std::int64_t sum = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto number = parse_integer(take_while(rest, std::isdigit));
    const Unit* unit = find_unit(kDurations, take_while(rest, std::isalpha));
    if (!number.ok() || unit == nullptr || !multiply_add(sum, *number, unit->size)) return bad_duration(text);
  }
  return sum;
}

std::string format_duration(Microseconds duration) {
  if (duration == 0) return "0s";
  std::string text = duration < 0 ? "-" : "";
  std::int64_t rest = duration < 0 ? -duration : duration;
  for (const std::string_view name : {"d", "h", "m", "s", "ms", "us"}) {
    const std::int64_t size = find_unit(kDurations, name)->size;
    if (rest / size != 0) text.append(std::to_string(rest / size)).append(name);
    rest %= size;
  }
  return text;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const auto number = parse_integer(take_while(rest, std::isdigit));
  const Unit* unit = find_unit(kSizes, trim(rest));
  std::int64_t bytes = 0;
  if (!number.ok() || unit == nullptr || !multiply_add(bytes, *number, unit->size)) return bad_size(text);
  return static_cast<std::uint64_t>(bytes);
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kNames.size(); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kNames[unit]);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != parts.data()) out.append(separator);
    out.append(part);
  }
  return out;
}

std::string wrapped(std::string_view text, std::size_t column) {
  constexpr std::size_t kWidth = 80;
  std::string out;
  std::size_t at = column;
  for (const std::string& word : split(text, ' ')) {
    if (at > column && at + 1 + word.size() > kWidth) {
      out.append("\n").append(column, ' ');
      at = column;
    }
    if (at > column) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
  }
  return out + "\n";
}

namespace {

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view name, std::span<const std::string> candidates) {
  std::string best;
  std::size_t least = std::max<std::size_t>(1, name.size() / 3) + 1;
  const std::string wanted = lower(name);
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    // Of one letter everything is near: what is meant shares at least one with what is written.
    const bool shares = distance < std::max(wanted.size(), candidate.size());
    if (distance < least && (shares || distance == 0)) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::string best = nearest(name, candidates);
  return best.empty() ? "" : "; did you mean '" + best + "'?";
}

}  // namespace stream
