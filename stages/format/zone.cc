#include "stages/format/zone.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "stages/format/timestamp.h"
#include "transport/base/files.h"

namespace stream::format {
namespace {

constexpr std::int64_t kDay = 86400;

// Big-endian reads that fail softly: a short file reads as zeros and is found by `ok`.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::string_view rest() const { return bytes_; }

  std::int64_t number(int width) {
    const std::string_view raw = take(static_cast<std::size_t>(width));
    std::uint64_t value = 0;
    for (const char c : raw) value = value << 8 | static_cast<unsigned char>(c);
    return width == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
  }

  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

struct TzifHeader {
  char version = 0;
  std::size_t utc_flags = 0, standard_flags = 0, leaps = 0, times = 0, types = 0, characters = 0;
};

bool read_header(Reader& reader, TzifHeader& header) {
  if (reader.take(4) != "TZif") return false;
  const std::string_view version = reader.take(16);
  header.version = version.empty() ? '\0' : version[0];
  for (std::size_t* field :
       {&header.utc_flags, &header.standard_flags, &header.leaps, &header.times, &header.types, &header.characters}) {
    *field = static_cast<std::size_t>(static_cast<std::uint32_t>(reader.number(4)));
  }
  return reader.ok();
}

std::size_t body_size(const TzifHeader& h, std::size_t width) {
  return h.times * (width + 1) + h.types * 6 + h.characters + h.leaps * (width + 4) + h.standard_flags + h.utc_flags;
}

// Text of a POSIX TZ rule, consumed from the front.
class RuleText {
 public:
  explicit RuleText(std::string_view text) : text_(text) {}
  bool empty() const { return text_.empty(); }
  char front() const { return text_.empty() ? '\0' : text_[0]; }

  bool skip(char c) {
    if (front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool name() {
    std::size_t size = 0;
    if (skip('<')) {
      size = text_.find('>');
      if (size == std::string_view::npos) return false;
      text_.remove_prefix(size + 1);
      return true;
    }
    while (size < text_.size() && std::isalpha(static_cast<unsigned char>(text_[size])) != 0) ++size;
    text_.remove_prefix(size);
    return size >= 3;
  }

  bool integer(int& value) {
    value = 0;
    int digits = 0;
    for (; !text_.empty() && std::isdigit(static_cast<unsigned char>(text_[0])) != 0 && digits < 4; ++digits) {
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return digits > 0;
  }

  bool seconds(std::int32_t& value) {
    const bool negative = front() == '-';
    if (!skip('-')) skip('+');
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!integer(hours)) return false;
    if (skip(':') && (!integer(minutes) || (skip(':') && !integer(seconds)))) return false;
    value = hours * 3600 + minutes * 60 + seconds;
    if (negative) value = -value;
    return true;
  }

  bool change(PosixRule::Change& change) {
    using Kind = PosixRule::Change::Kind;
    if (skip('M')) {
      change.kind = Kind::kMonthWeekDay;
      if (!integer(change.month) || !skip('.') || !integer(change.week) || !skip('.') || !integer(change.day))
        return false;
      if (change.month < 1 || change.month > 12 || change.week < 1 || change.week > 5 || change.day > 6) return false;
    } else {
      change.kind = skip('J') ? Kind::kJulian : Kind::kDayOfYear;
      if (!integer(change.day)) return false;
    }
    return !skip('/') || seconds(change.time);
  }

 private:
  std::string_view text_;
};

// Local midnight of the change's day plus its time, in local seconds since the epoch.
std::int64_t local_time_of(const PosixRule::Change& change, std::int64_t year) {
  using Kind = PosixRule::Change::Kind;
  if (change.kind != Kind::kMonthWeekDay) {
    const bool behind_leap_day = change.kind == Kind::kJulian && change.day >= 60 && is_leap(year);
    const int day = change.kind == Kind::kJulian ? change.day - 1 + behind_leap_day : change.day;
    return (days_of(year, 1, 1) + day) * kDay + change.time;
  }
  const auto month = static_cast<unsigned>(change.month);
  const std::int64_t first = days_of(year, month, 1);
  const auto weekday = static_cast<int>(((first + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
  int day = (change.day - weekday + 7) % 7 + (change.week - 1) * 7;
  while (day >= static_cast<int>(days_in_month(year, month))) day -= 7;
  return (first + day) * kDay + change.time;
}

std::string path_of(const std::string& name) {
  if (name != "local") return "/usr/share/zoneinfo/" + name;
  const char* variable = std::getenv("TZ");
  if (variable == nullptr || *variable == '\0') return "/etc/localtime";
  std::string zone = *variable == ':' ? variable + 1 : variable;
  return zone.starts_with('/') ? zone : "/usr/share/zoneinfo/" + zone;
}

}  // namespace

Result<PosixRule> parse_posix_rule(std::string_view text) {
  RuleText in(text);
  PosixRule rule;
  const Status bad = corrupt("bad time zone rule '" + std::string(text) + "'");
  if (!in.name() || !in.seconds(rule.standard)) return bad;
  rule.standard = -rule.standard;  // POSIX counts west of Greenwich
  if (in.empty()) return rule;
  rule.has_daylight = true;
  rule.daylight = rule.standard + 3600;
  if (!in.name()) return bad;
  if (in.front() != ',') {
    if (!in.seconds(rule.daylight)) return bad;
    rule.daylight = -rule.daylight;
  }
  if (!in.skip(',') || !in.change(rule.start) || !in.skip(',') || !in.change(rule.end) || !in.empty()) return bad;
  return rule;
}

Result<std::shared_ptr<const Zone>> Zone::from_tzif(std::string_view bytes) {
  Reader reader(bytes);
  TzifHeader header;
  if (!read_header(reader, header)) return corrupt("not a time zone file");
  int width = 4;
  if (header.version >= '2') {  // a 32-bit body for old readers comes first
    reader.take(body_size(header, 4));
    if (!read_header(reader, header)) return corrupt("not a time zone file");
    width = 8;
  }
  if (header.types == 0 || header.times > bytes.size() || header.types > 256) return corrupt("bad time zone file");
  auto zone = std::make_shared<Zone>();
  zone->changes_.resize(header.times);
  for (Change& change : zone->changes_) change.at_s = reader.number(width);
  const std::string_view kinds = reader.take(header.times);
  std::vector<std::int32_t> offsets(header.types);
  for (std::int32_t& offset : offsets) {
    offset = static_cast<std::int32_t>(reader.number(4));
    reader.take(2);
  }
  reader.take(body_size(header, static_cast<std::size_t>(width)) -
              header.times * (static_cast<std::size_t>(width) + 1) - header.types * 6);
  if (!reader.ok()) return corrupt("short time zone file");
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto kind = static_cast<unsigned char>(kinds[i]);
    if (kind >= offsets.size()) return corrupt("bad time zone file");
    zone->changes_[i].offset = offsets[kind];
  }
  zone->first_offset_ = offsets[0];
  std::string_view footer = reader.rest();
  if (width == 8 && footer.size() > 2 && footer[0] == '\n') {
    footer = footer.substr(1, footer.find('\n', 1) - 1);
    STREAM_ASSIGN(zone->rule_, parse_posix_rule(footer));
    zone->has_rule_ = true;
  }
  return std::shared_ptr<const Zone>(std::move(zone));
}

Result<std::shared_ptr<const Zone>> Zone::load(const std::string& name) {
  if (name.empty() || name == "UTC") return std::shared_ptr<const Zone>(std::make_shared<Zone>());
  const Status unknown =
      usage_error("unknown time zone '" + name + "'; give an IANA name as Europe/Berlin, or 'local'");
  if (name.find("..") != std::string::npos || name.starts_with('/')) return unknown;
  auto bytes = system_files().read_file(path_of(name));
  if (!bytes.ok()) {
    if (name == "local" && bytes.status().code() == Code::kNotFound) return load("UTC");
    return unknown;
  }
  auto zone = from_tzif(*bytes);
  if (!zone.ok()) return unknown;
  return zone;
}

std::int32_t Zone::rule_offset_at(std::int64_t utc_s) const {
  if (!rule_.has_daylight) return rule_.standard;
  std::int64_t days = (utc_s + rule_.standard) / kDay;
  if ((utc_s + rule_.standard) % kDay < 0) --days;
  const std::int64_t year = civil_of(days).year;
  const std::int64_t start = local_time_of(rule_.start, year) - rule_.standard;
  const std::int64_t end = local_time_of(rule_.end, year) - rule_.daylight;
  const bool daylight = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
  return daylight ? rule_.daylight : rule_.standard;
}

std::int32_t Zone::offset_at(std::int64_t utc_s) const {
  const auto behind = std::upper_bound(changes_.begin(), changes_.end(), utc_s,
                                       [](std::int64_t at, const Change& change) { return at < change.at_s; });
  if (behind == changes_.end() && has_rule_) return rule_offset_at(utc_s);
  return behind == changes_.begin() ? first_offset_ : std::prev(behind)->offset;
}

Zone::Instant Zone::instant_of(std::int64_t local_s) const {
  // A zone changes at most once within a day, so its offsets a day before and after are all it can have.
  const std::int32_t before = offset_at(local_s - kDay);
  const std::int32_t after = offset_at(local_s + kDay);
  if (before == after) return {local_s - before, false};
  const bool early_holds = offset_at(local_s - before) == before;
  const bool late_holds = offset_at(local_s - after) == after;
  if (early_holds != late_holds) return {local_s - (early_holds ? before : after), false};
  return {std::min(local_s - before, local_s - after), true};
}

}  // namespace stream::format
