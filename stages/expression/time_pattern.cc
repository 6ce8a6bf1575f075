#include "stages/expression/time_pattern.h"

#include <array>
#include <cstdio>

#include "transport/base/text.h"

namespace stream::expression {
namespace {

struct Pattern {
  std::string_view name;
  int id;
};

enum PatternId : int {
  kHour24,
  kHour12,
  kMinuteOf,
  kSecondOf,
  kMillis,
  kMicros,
  kMeridiemUpper,
  kMeridiemLower,
  kYear4,
  kYear2,
  kMonthOf,
  kMonthName,
  kMonthNameLower,
  kMonthNameUpper,
  kMon,
  kMonLower,
  kMonUpper,
  kDayName,
  kDayNameLower,
  kDayNameUpper,
  kDy,
  kDyLower,
  kDyUpper,
  kDayOfYear,
  kDayOf,
  kDayOfWeek,
  kIsoDay,
  kIsoWeek,
  kIsoYear,
  kQuarterOf,
  kZone,
  kOffset,
  kSecondsOfDay,
  kWeekOfMonth,
  kWeekOfYear,
  kCenturyOf,
  kJulianDay
};

// Longer names first, so that the first match is the right one.
constexpr std::array kPatterns = {Pattern{"SSSSS", kSecondsOfDay},
                                  Pattern{"SSSS", kSecondsOfDay},
                                  Pattern{"HH24", kHour24},
                                  Pattern{"HH12", kHour12},
                                  Pattern{"HH", kHour12},
                                  Pattern{"MI", kMinuteOf},
                                  Pattern{"SS", kSecondOf},
                                  Pattern{"MS", kMillis},
                                  Pattern{"US", kMicros},
                                  Pattern{"AM", kMeridiemUpper},
                                  Pattern{"PM", kMeridiemUpper},
                                  Pattern{"am", kMeridiemLower},
                                  Pattern{"pm", kMeridiemLower},
                                  Pattern{"YYYY", kYear4},
                                  Pattern{"YY", kYear2},
                                  Pattern{"IYYY", kIsoYear},
                                  Pattern{"MONTH", kMonthNameUpper},
                                  Pattern{"Month", kMonthName},
                                  Pattern{"month", kMonthNameLower},
                                  Pattern{"MON", kMonUpper},
                                  Pattern{"Mon", kMon},
                                  Pattern{"mon", kMonLower},
                                  Pattern{"MM", kMonthOf},
                                  Pattern{"DAY", kDayNameUpper},
                                  Pattern{"Day", kDayName},
                                  Pattern{"day", kDayNameLower},
                                  Pattern{"DDD", kDayOfYear},
                                  Pattern{"DD", kDayOf},
                                  Pattern{"DY", kDyUpper},
                                  Pattern{"Dy", kDy},
                                  Pattern{"dy", kDyLower},
                                  Pattern{"ID", kIsoDay},
                                  Pattern{"IW", kIsoWeek},
                                  Pattern{"D", kDayOfWeek},
                                  Pattern{"Q", kQuarterOf},
                                  Pattern{"TZ", kZone},
                                  Pattern{"tz", kZone},
                                  Pattern{"OF", kOffset},
                                  Pattern{"WW", kWeekOfYear},
                                  Pattern{"W", kWeekOfMonth},
                                  Pattern{"CC", kCenturyOf},
                                  Pattern{"J", kJulianDay}};

constexpr std::array<const char*, 12> kMonths = {"January", "February", "March",     "April",   "May",      "June",
                                                 "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<const char*, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};

enum class Case : std::uint8_t { kAsIs, kLower, kUpper };

std::string cased(std::string text, Case how) {
  for (char& c : text) {
    if (how == Case::kLower && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (how == Case::kUpper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

class PatternWriter {
 public:
  explicit PatternWriter(std::int64_t us) : us_(us), at_(split_us(us)), civil_(civil_from_days(at_.day)) {}

  std::string write(int id, bool fill) const {
    const std::int64_t hour = at_.us / kHourUs;
    switch (id) {
      case kHour24: return number(hour, 2, fill);
      case kHour12: return number((hour + 11) % 12 + 1, 2, fill);
      case kMinuteOf: return number(at_.us / kMinuteUs % 60, 2, fill);
      case kSecondOf: return number(at_.us / kSecondUs % 60, 2, fill);
      case kMillis: return number(at_.us % kSecondUs / 1000, 3, fill);
      case kMicros: return number(at_.us % kSecondUs, 6, fill);
      case kMeridiemUpper: return hour < 12 ? "AM" : "PM";
      case kMeridiemLower: return hour < 12 ? "am" : "pm";
      case kYear4: return number(civil_.year, 4, fill);
      case kYear2: return number(civil_.year % 100, 2, fill);
      case kMonthOf: return number(civil_.month, 2, fill);
      case kDayOf: return number(civil_.day, 2, fill);
      case kMonthName: return name(kMonths[month()], Case::kAsIs, fill);
      case kMonthNameLower: return name(kMonths[month()], Case::kLower, fill);
      case kMonthNameUpper: return name(kMonths[month()], Case::kUpper, fill);
      case kMon: return std::string(kMonths[month()]).substr(0, 3);
      case kMonLower: return cased(std::string(kMonths[month()]).substr(0, 3), Case::kLower);
      case kMonUpper: return cased(std::string(kMonths[month()]).substr(0, 3), Case::kUpper);
      case kDayName: return name(kDays[day()], Case::kAsIs, fill);
      case kDayNameLower: return name(kDays[day()], Case::kLower, fill);
      case kDayNameUpper: return name(kDays[day()], Case::kUpper, fill);
      case kDy: return std::string(kDays[day()]).substr(0, 3);
      case kDyLower: return cased(std::string(kDays[day()]).substr(0, 3), Case::kLower);
      case kDyUpper: return cased(std::string(kDays[day()]).substr(0, 3), Case::kUpper);
      case kZone: return "UTC";
      case kOffset: return "+00";
      case kSecondsOfDay: return std::to_string(at_.us / kSecondUs);
      case kDayOfWeek: return std::to_string(day() + 1);
      case kWeekOfMonth: return std::to_string((civil_.day - 1) / 7 + 1);
      case kDayOfYear: return number(field(Unit::kDayOfYear), 3, fill);
      case kWeekOfYear: return number((field(Unit::kDayOfYear) - 1) / 7 + 1, 2, fill);
      case kIsoDay: return std::to_string(field(Unit::kIsoDayOfWeek));
      case kIsoWeek: return number(field(Unit::kWeek), 2, fill);
      case kIsoYear: return number(field(Unit::kIsoYear), 4, fill);
      case kQuarterOf: return std::to_string(field(Unit::kQuarter));
      case kCenturyOf: return number(field(Unit::kCentury), 2, fill);
      case kJulianDay: return std::to_string(field(Unit::kJulian));
      default: return {};
    }
  }

 private:
  std::size_t month() const { return static_cast<std::size_t>(civil_.month - 1); }
  std::size_t day() const { return static_cast<std::size_t>(field(Unit::kDayOfWeek)); }
  std::int64_t field(Unit unit) const {
    __int128 micros = 0;
    extract_timestamp(unit, us_, micros);
    return static_cast<std::int64_t>(micros / kSecondUs);
  }
  static std::string number(std::int64_t value, int width, bool fill) {
    char text[24];
    std::snprintf(text, sizeof text, "%0*lld", fill ? width : 0, static_cast<long long>(value));
    return text;
  }
  static std::string name(const char* text, Case how, bool fill) {
    std::string out = cased(text, how);
    if (fill) out.resize(9, ' ');
    return out;
  }

  std::int64_t us_;
  Clocktime at_;
  Civil civil_;
};

const Pattern* match(std::string_view text) {
  for (const Pattern& pattern : kPatterns) {
    if (text.starts_with(pattern.name) || (text.starts_with(lower(pattern.name)) && pattern.id != kMonthName &&
                                           pattern.id != kDayName && pattern.id != kMon && pattern.id != kDy)) {
      return &pattern;
    }
  }
  return nullptr;
}

// The longest time within which the piece stays the same: all that is not listed depends on the day alone.
std::int64_t step_of(int id) {
  switch (id) {
    case kMicros: return 1;
    case kMillis: return 1000;
    case kSecondOf:
    case kSecondsOfDay: return kSecondUs;
    case kMinuteOf: return kMinuteUs;
    case kHour24:
    case kHour12:
    case kMeridiemUpper:
    case kMeridiemLower: return kHourUs;
    default: return kDayUs;
  }
}

constexpr char kUnknownPattern[] = "unknown pattern in to_char";

}  // namespace

void TimePattern::add_text(std::string_view text) {
  if (pieces_.empty() || pieces_.back().id >= 0) pieces_.push_back({});
  pieces_.back().text += text;
}

const char* TimePattern::parse(std::string_view pattern) {
  *this = {};
  while (!pattern.empty()) {
    if (pattern[0] == '"') {
      const std::size_t close = std::min(pattern.find('"', 1), pattern.size());
      add_text(pattern.substr(1, close - 1));
      pattern.remove_prefix(std::min(close + 1, pattern.size()));
      continue;
    }
    const bool fill = !pattern.starts_with("FM") && !pattern.starts_with("fm");
    const std::string_view rest = fill ? pattern : pattern.substr(2);
    const Pattern* found = match(rest);
    if (found == nullptr) {
      const char c = pattern[0];
      if (!fill || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return kUnknownPattern;
      add_text(pattern.substr(0, 1));
      pattern.remove_prefix(1);
      continue;
    }
    pieces_.push_back({found->id, fill, {}});
    step_ = std::min(step_, step_of(found->id));
    pattern = rest.substr(found->name.size());
    if (pattern.starts_with("TH") || pattern.starts_with("th")) return kUnknownPattern;
  }
  return nullptr;
}

void TimePattern::append(std::int64_t us, std::string& out) const {
  const PatternWriter writer(us);
  for (const Piece& piece : pieces_) out += piece.id < 0 ? piece.text : writer.write(piece.id, piece.fill);
}

}  // namespace stream::expression
