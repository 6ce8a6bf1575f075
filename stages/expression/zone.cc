#include "stages/expression/zone.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "stages/expression/temporal.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

std::int64_t big_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = (static_cast<unsigned char>(bytes[at]) & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < count; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<std::int64_t>(value);
}

// One side of a rule like "CET-1CEST,M3.5.0,M10.5.0/3": the day of change and its time.
struct Change {
  char kind = 'M';  // M month.week.day, J day without leap days, n day from 0
  int month = 0;
  int week = 0;
  int day = 0;
  std::int64_t time_s = 7200;

  // Seconds of the year's change in local time, as if UTC.
  std::int64_t local_s(std::int64_t year) const {
    std::int64_t date = 0;
    if (kind == 'M') {
      const std::int64_t first = days_from_civil({year, month, 1});
      const auto weekday = static_cast<int>(((first + 4) % 7 + 7) % 7);
      int of_month = 1 + (day - weekday + 7) % 7 + (week - 1) * 7;
      while (of_month > days_in_month(year, month)) of_month -= 7;
      date = first + of_month - 1;
    } else {
      date = days_from_civil({year, 1, 1}) + day - (kind == 'J' ? 1 : 0);
      if (kind == 'J' && day >= 60 && days_in_month(year, 2) == 29) ++date;
    }
    return date * 86400 + time_s;
  }
};

// The rule for instants behind the last transition of the file.
struct Rule {
  std::int64_t standard_s = 0;
  std::int64_t summer_s = 0;
  bool has_summer = false;
  Change begin;
  Change end;

  std::int64_t offset_s(std::int64_t utc_s) const {
    if (!has_summer) return standard_s;
    const std::int64_t day = (utc_s + standard_s) / 86400 - ((utc_s + standard_s) % 86400 < 0 ? 1 : 0);
    const std::int64_t year = civil_from_days(day).year;
    const std::int64_t from = begin.local_s(year) - standard_s;
    const std::int64_t to = end.local_s(year) - summer_s;
    const bool summer = from < to ? utc_s >= from && utc_s < to : utc_s >= from || utc_s < to;
    return summer ? summer_s : standard_s;
  }
};

class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  bool read(Rule& rule) {
    std::int64_t west = 0;
    if (!skip_name() || !time(west)) return false;
    rule.standard_s = -west;
    rule.summer_s = rule.standard_s + 3600;
    if (at_ == text_.size()) return true;
    rule.has_summer = true;
    if (!skip_name()) return false;
    if (peek() != ',') {
      if (!time(west)) return false;
      rule.summer_s = -west;
    }
    return change(rule.begin) && change(rule.end) && at_ == text_.size();
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool skip_name() {
    const std::size_t begin = at_;
    if (take('<')) {
      while (peek() != '>' && peek() != '\0') ++at_;
      return take('>');
    }
    while ((peek() >= 'a' && peek() <= 'z') || (peek() >= 'A' && peek() <= 'Z')) ++at_;
    return at_ > begin;
  }
  bool number(std::int64_t& out) {
    const std::size_t begin = at_;
    for (out = 0; peek() >= '0' && peek() <= '9' && at_ - begin < 4; ++at_) out = out * 10 + (peek() - '0');
    return at_ > begin;
  }
  bool time(std::int64_t& seconds) {
    const bool minus = take('-');
    if (!minus) take('+');
    std::int64_t part = 0;
    if (!number(part)) return false;
    seconds = part * 3600;
    if (take(':')) {
      if (!number(part)) return false;
      seconds += part * 60;
      if (take(':')) {
        if (!number(part)) return false;
        seconds += part;
      }
    }
    if (minus) seconds = -seconds;
    return true;
  }
  bool change(Change& out) {
    if (!take(',')) return false;
    std::int64_t a = 0;
    std::int64_t b = 0;
    std::int64_t c = 0;
    if (take('M')) {
      if (!number(a) || !take('.') || !number(b) || !take('.') || !number(c)) return false;
      if (a < 1 || a > 12 || b < 1 || b > 5 || c > 6) return false;
      out = {'M', static_cast<int>(a), static_cast<int>(b), static_cast<int>(c)};
    } else {
      out.kind = take('J') ? 'J' : 'n';
      if (!number(a) || a > 366) return false;
      out.day = static_cast<int>(a);
    }
    return !take('/') || time(out.time_s);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class FileZone final : public Zone {
 public:
  // Reads the 64-bit part of a TZif file (version 2 and later).
  bool read(std::string_view file) {
    std::size_t at = 0;
    if (!skip_first(file, at) || !header(file, at)) return false;
    const std::size_t times = at;
    const std::size_t kinds = times + count_[3] * 8;
    const std::size_t types = kinds + count_[3];
    const std::size_t end = types + count_[4] * 6 + count_[5] + count_[2] * 12 + count_[1] + count_[0];
    if (end + 2 > file.size() || count_[4] == 0) return false;
    const auto offset = [&](std::size_t kind) { return big_endian(file, types + kind * 6, 4); };
    first_s_ = offset(0);
    for (std::size_t i = 0; i < count_[3]; ++i) {
      const auto kind = static_cast<unsigned char>(file[kinds + i]);
      if (kind >= count_[4]) return false;
      transitions_.push_back({big_endian(file, times + i * 8, 8), offset(kind)});
    }
    const std::size_t close = file.find('\n', end + 1);
    if (close == std::string_view::npos) return false;
    const std::string_view rule = file.substr(end + 1, close - end - 1);
    has_rule_ = !rule.empty() && RuleReader(rule).read(rule_);
    return rule.empty() || has_rule_;
  }

  std::int64_t offset_s(std::int64_t utc_us) const override {
    const std::int64_t second = utc_us / kSecondUs - (utc_us % kSecondUs < 0 ? 1 : 0);
    const auto next = std::ranges::upper_bound(transitions_, second, {}, &Transition::at_s);
    if (next == transitions_.end() && has_rule_) return rule_.offset_s(second);
    return next == transitions_.begin() ? first_s_ : std::prev(next)->offset_s;
  }

 private:
  struct Transition {
    std::int64_t at_s;
    std::int64_t offset_s;
  };

  bool header(std::string_view file, std::size_t& at) {
    if (at + 44 > file.size() || file.substr(at, 4) != "TZif" || file[at + 4] < '2') return false;
    for (std::size_t i = 0; i < 6; ++i) {
      const std::int64_t value = big_endian(file, at + 20 + i * 4, 4);
      if (value < 0 || value > 100'000) return false;
      count_[i] = static_cast<std::size_t>(value);
    }
    at += 44;
    return true;
  }

  bool skip_first(std::string_view file, std::size_t& at) {
    if (!header(file, at)) return false;
    at += count_[3] * 5 + count_[4] * 6 + count_[5] + count_[2] * 8 + count_[1] + count_[0];
    return true;
  }

  std::size_t count_[6] = {};  // isutc, isstd, leap, times, types, characters
  std::int64_t first_s_ = 0;
  std::vector<Transition> transitions_;
  Rule rule_;
  bool has_rule_ = false;
};

class FixedZone final : public Zone {
 public:
  std::int64_t offset_s(std::int64_t) const override { return 0; }
};

bool safe_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() == '/' || name.find("..") != std::string_view::npos)
    return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '-' || c == '+';
  });
}

std::unique_ptr<const Zone> load_zone(const std::string& name) {
  const std::string folded = lower(name);
  if (folded == "utc" || folded == "z" || folded == "gmt" || folded == "etc/utc") return std::make_unique<FixedZone>();
  if (!safe_name(name)) return nullptr;
  std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
  if (!file) return nullptr;
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  auto zone = std::make_unique<FileZone>();
  return zone->read(bytes) ? std::move(zone) : nullptr;
}

}  // namespace

std::int64_t Zone::to_utc(std::int64_t local_us) const {
  const std::int64_t before = offset_s(local_us - kDayUs);
  const std::int64_t after = offset_s(local_us + kDayUs);
  const std::int64_t early = local_us - before * kSecondUs;
  if (before == after || offset_s(early) == before) return early;
  const std::int64_t late = local_us - after * kSecondUs;
  return offset_s(late) == after ? late : std::min(early, late);
}

const Zone* find_zone(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const Zone>, std::less<>> zones;
  const std::lock_guard lock(mutex);
  if (const auto found = zones.find(name); found != zones.end()) return found->second.get();
  std::unique_ptr<const Zone> zone = load_zone(std::string(name));
  if (zone == nullptr) return nullptr;  // not remembered: names may come from records
  return zones.emplace(std::string(name), std::move(zone)).first->second.get();
}

}  // namespace stream::expression
