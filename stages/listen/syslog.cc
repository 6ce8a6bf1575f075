#include "stages/listen/syslog.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

namespace stream::listen {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t kDataMax = 1000;  // elements and parameters of one message: each is looked for among the others
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Takes pieces off the front of a message.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string_view rest() const { return text_; }
  bool take(std::string_view expected) {
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }
  // Up to the blank, which goes too.
  std::string_view word() {
    const std::size_t blank = text_.find(' ');
    const std::string_view word = text_.substr(0, blank);
    text_.remove_prefix(blank == std::string_view::npos ? text_.size() : blank + 1);
    return word;
  }
  std::optional<int> number(std::size_t digits_max) {
    int value = 0;
    const std::string_view digits = text_.substr(0, digits_max);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || value < 0) return std::nullopt;
    text_.remove_prefix(static_cast<std::size_t>(end - digits.data()));
    return value;
  }

 private:
  std::string_view text_;
};

void set_word(ordered_json& record, const char* name, std::string_view word) {
  if (!word.empty() && word != "-") record[name] = std::string(word);
}

// "[id name=\"value\" …][…]" or "-": an object of objects. False for anything else.
bool take_data(Scanner& in, ordered_json& record) {
  if (in.take("-")) return true;
  ordered_json data = ordered_json::object();
  std::size_t count = 0;
  while (in.take("[")) {
    if (++count > kDataMax) return false;
    const std::size_t end = in.rest().find_first_of(" ]");
    if (end == std::string_view::npos) return false;
    ordered_json& element = data[std::string(in.rest().substr(0, end))] = ordered_json::object();
    in.take(in.rest().substr(0, end));
    while (in.take(" ")) {
      if (++count > kDataMax) return false;
      const std::size_t equals = in.rest().find("=\"");
      if (equals == std::string_view::npos) return false;
      const std::string name(in.rest().substr(0, equals));
      in.take(in.rest().substr(0, equals + 2));
      std::string value;
      while (!in.rest().empty() && in.rest()[0] != '"') {
        const std::string_view left = in.rest();
        const bool escaped = left[0] == '\\' && left.size() > 1 && std::string_view("\"\\]").find(left[1]) != left.npos;
        value += left[escaped ? 1 : 0];
        in.take(left.substr(0, escaped ? 2 : 1));
      }
      if (!in.take("\"")) return false;
      element[name] = std::move(value);
    }
    if (!in.take("]")) return false;
  }
  if (data.empty()) return false;
  record["data"] = std::move(data);
  return true;
}

bool take_new_form(Scanner in, ordered_json& record) {
  if (!in.take("1 ")) return false;
  ordered_json made = record;
  for (const char* name : {"ts", "host", "app", "pid", "message_id"}) set_word(made, name, in.word());
  if (!take_data(in, made)) return false;
  in.take(" ");
  in.take(kByteOrderMark);
  made["message"] = std::string(in.rest());
  record = std::move(made);
  return true;
}

// "Oct  9 22:33:20 "
std::optional<std::string> take_old_time(Scanner& in, Microseconds received) {
  using namespace std::chrono;
  unsigned month = 0;
  while (month < 12 && !in.take(kMonths[month])) ++month;
  if (month == 12 || !in.take(" ")) return std::nullopt;
  in.take(" ");
  const auto day = in.number(2);
  if (!day || !in.take(" ")) return std::nullopt;
  const auto hour = in.number(2);
  if (!hour || *hour > 23 || !in.take(":")) return std::nullopt;
  const auto minute = in.number(2);
  if (!minute || *minute > 59 || !in.take(":")) return std::nullopt;
  const auto second = in.number(2);
  if (!second || *second > 59 || !in.take(" ")) return std::nullopt;
  const sys_days today = floor<days>(sys_time<microseconds>(microseconds(received)));
  year_month_day date = year_month_day(today).year() / std::chrono::month(month + 1) / std::chrono::day(unsigned(*day));
  while (!date.ok() || sys_days(date) > today + days(1)) {
    if (date.year() < year_month_day(today).year() - years(8)) return std::nullopt;
    date -= years(1);
  }
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), *hour, *minute, *second);
  return text;
}

// "host app[pid]: message", of which app and pid may be missing.
void take_old_form(Scanner in, Microseconds received, ordered_json& record) {
  if (const auto time = take_old_time(in, received)) {
    record["ts"] = *time;
    set_word(record, "host", in.word());
    Scanner tag = in;
    const std::size_t end = tag.rest().find_first_of("[: ");
    if (end != std::string_view::npos && end > 0 && tag.rest()[end] != ' ') {
      const std::string_view app = tag.rest().substr(0, end);
      tag.take(app);
      std::string_view pid;
      if (tag.take("[")) {
        pid = tag.rest().substr(0, tag.rest().find(']'));
        tag.take(pid);
        tag.take("]");
      }
      if (tag.take(":")) {
        tag.take(" ");
        record["app"] = std::string(app);
        set_word(record, "pid", pid);
        in = tag;
      }
    }
  }
  record["message"] = std::string(in.rest());
}

}  // namespace

const Schema& syslog_schema() {
  static const Schema schema = *parse_schema(
      "facility bigint, severity bigint, ts timestamp, host varchar, app varchar, pid varchar, message_id varchar, "
      "data json, message varchar");
  return schema;
}

std::string syslog_record(std::string_view message, Microseconds received) {
  ordered_json record = ordered_json::object();
  Scanner in(message);
  Scanner head = in;
  if (head.take("<")) {
    const auto priority = head.number(3);
    if (priority && *priority <= 191 && head.take(">")) {
      record["facility"] = *priority / 8;
      record["severity"] = *priority % 8;
      in = head;
    }
  }
  if (!record.empty() && take_new_form(in, record))
    return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  take_old_form(in, received, record);
  return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace stream::listen
