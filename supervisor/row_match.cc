#include "supervisor/row_match.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>

#include "supervisor/instant_text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

constexpr const char* kOp = "_op";
constexpr std::size_t kPairedMax = 1000;  // rows that are looked at for the nearest other one

std::string text_of(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// "+10.500" and "10.5" are one number.
std::string decimal_of(const ordered_json& value) {
  std::string text = text_of(value);
  if (text.starts_with('+')) text.erase(0, 1);
  if (text.find('.') == std::string::npos || text.find_first_of("eE") != std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

bool near(double a, double b) { return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

bool equal_value(const Type& type, const ordered_json& a, const ordered_json& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (a == b) return true;
  switch (type.kind) {
    case TypeKind::kDouble:
    case TypeKind::kBigint: return a.is_number() && b.is_number() && near(a.get<double>(), b.get<double>());
    case TypeKind::kDecimal: return decimal_of(a) == decimal_of(b);
    case TypeKind::kTimestamp: {
      const auto instant = instant_of(text_of(a));
      return instant && instant == instant_of(text_of(b));
    }
    case TypeKind::kJson: return false;
    default: return text_of(a) == text_of(b);
  }
}

struct Column {
  std::string name;
  Type type;
};

// The rows that are left when all changes have been made.
std::vector<ordered_json> remaining(const std::vector<ordered_json>& changes) {
  std::vector<ordered_json> rows;
  for (ordered_json row : changes) {
    const std::string op = row.value(kOp, "+I");
    row.erase(kOp);
    if (op[0] == '+') {
      rows.push_back(std::move(row));
    } else if (const auto it = std::ranges::find(rows, row); it != rows.end()) {
      rows.erase(it);
    }
  }
  return rows;
}

std::vector<ordered_json> parse_all(const std::vector<std::string>& lines) {
  std::vector<ordered_json> rows;
  for (const std::string& line : lines) rows.push_back(ordered_json::parse(line, nullptr, false));
  return rows;
}

class Matcher {
 public:
  Matcher(const Schema& schema, std::vector<ordered_json> expected, std::vector<ordered_json> actual)
      : expected_(std::move(expected)), actual_(std::move(actual)) {
    std::set<std::string> names;
    for (const ordered_json& row : expected_) {
      for (const auto& [name, value] : row.items()) names.insert(name);
    }
    if (expected_.empty()) {
      for (const Field& field : schema.fields) names.insert(field.name);
    }
    if (names.contains(kOp))
      columns_.push_back({kOp, kVarchar});
    else
      actual_ = remaining(actual_);
    for (const Field& field : schema.fields) {
      if (names.contains(field.name)) columns_.push_back({field.name, field.type});
    }
  }

  RowMatch match(bool ordered) {
    expected_left_.assign(expected_.size(), true);
    actual_left_.assign(actual_.size(), true);
    ordered ? align() : take_equal();
    pair_nearest();
    for (std::size_t e = 0; e < expected_.size(); ++e) {
      if (expected_left_[e]) add({RowDifference::Kind::kMissing, shown(expected_[e], expected_[e]), "", {}, e});
    }
    for (std::size_t a = 0; a < actual_.size(); ++a) {
      if (actual_left_[a]) add({RowDifference::Kind::kUnexpected, "", shown(actual_[a], actual_[a]), {}, a});
    }
    std::ranges::stable_sort(out_.differences, [](const RowDifference& x, const RowDifference& y) {
      const auto last = [](const RowDifference& d) { return d.kind == RowDifference::Kind::kUnexpected; };
      return last(x) != last(y) ? last(y) : x.index < y.index;
    });
    return std::move(out_);
  }

 private:
  static const ordered_json& value(const ordered_json& row, const std::string& name) {
    static const ordered_json null;
    const auto it = row.find(name);
    return it == row.end() ? null : *it;
  }

  std::vector<std::string> differing(std::size_t e, std::size_t a) const {
    std::vector<std::string> names;
    for (const Column& column : columns_) {
      if (!expected_[e].contains(column.name)) continue;
      if (!equal_value(column.type, expected_[e][column.name], value(actual_[a], column.name)))
        names.push_back(column.name);
    }
    return names;
  }
  bool equal(std::size_t e, std::size_t a) const { return differing(e, a).empty(); }

  void take(std::size_t e, std::size_t a) { expected_left_[e] = actual_left_[a] = false; }

  // The row that says most takes what it wants before those that would take anything.
  std::vector<std::size_t> by_columns() const {
    std::vector<std::size_t> order(expected_.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t e) { return expected_[e].size(); });
    return order;
  }

  void take_equal() {
    for (const std::size_t e : by_columns()) {
      for (std::size_t a = 0; a < actual_.size() && expected_left_[e]; ++a) {
        if (!actual_left_[a] || !equal(e, a)) continue;
        take(e, a);
        ++out_.equal;
      }
    }
  }

  // The longest sequence of rows that is in both.
  void align() {
    const std::size_t width = actual_.size() + 1;
    std::vector<std::uint32_t> longest((expected_.size() + 1) * width, 0);
    for (std::size_t e = expected_.size(); e-- > 0;) {
      for (std::size_t a = actual_.size(); a-- > 0;) {
        longest[e * width + a] = equal(e, a) ? longest[(e + 1) * width + a + 1] + 1
                                             : std::max(longest[(e + 1) * width + a], longest[e * width + a + 1]);
      }
    }
    for (std::size_t e = 0, a = 0; e < expected_.size() && a < actual_.size();) {
      if (equal(e, a)) {
        take(e++, a++);
        ++out_.equal;
      } else {
        longest[(e + 1) * width + a] >= longest[e * width + a + 1] ? ++e : ++a;
      }
    }
  }

  // Rows that share at least half of their columns are taken for one that has changed.
  void pair_nearest() {
    for (std::size_t most = 1; most < columns_.size(); ++most) pair_within(most);
  }

  void pair_within(std::size_t most) {
    if (expected_.size() > kPairedMax || actual_.size() > kPairedMax) return;
    for (std::size_t e = 0; e < expected_.size(); ++e) {
      for (std::size_t a = 0; a < actual_.size() && expected_left_[e]; ++a) {
        if (!actual_left_[a]) continue;
        std::vector<std::string> names = differing(e, a);
        if (names.size() > most || names.size() * 2 > expected_[e].size()) continue;
        take(e, a);
        add({RowDifference::Kind::kChanged, shown(expected_[e], expected_[e]), shown(actual_[a], expected_[e]),
             std::move(names), e});
      }
    }
  }

  // Of the columns compared those that `said` has.
  std::string shown(const ordered_json& row, const ordered_json& said) const {
    ordered_json out = ordered_json::object();
    for (const Column& column : columns_) {
      if (said.contains(column.name)) out[column.name] = value(row, column.name);
    }
    return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

  void add(RowDifference difference) { out_.differences.push_back(std::move(difference)); }

  std::vector<ordered_json> expected_;
  std::vector<ordered_json> actual_;
  std::vector<Column> columns_;
  std::vector<bool> expected_left_;
  std::vector<bool> actual_left_;
  RowMatch out_;
};

}  // namespace

RowMatch match_rows(const Schema& schema, const std::vector<std::string>& expected,
                    const std::vector<std::string>& actual, bool ordered) {
  return Matcher(schema, parse_all(expected), parse_all(actual)).match(ordered);
}

std::vector<std::pair<std::size_t, std::string>> unknown_columns(const Schema& schema,
                                                                 const std::vector<std::string>& expected) {
  std::vector<std::pair<std::size_t, std::string>> unknown;
  std::set<std::string> seen = {kOp};
  const std::vector<ordered_json> rows = parse_all(expected);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [name, value] : rows[i].items()) {
      if (!schema.find(name) && seen.insert(name).second) unknown.emplace_back(i, name);
    }
  }
  return unknown;
}

}  // namespace stream
