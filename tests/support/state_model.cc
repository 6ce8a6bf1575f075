#include "tests/support/state_model.h"

#include <cmath>
#include <limits>

namespace stream {
namespace {

std::string key_text(const StateTable& table, Row row) {
  std::string text;
  for (std::size_t i = 0; i < table.spec().key.size(); ++i) text += text_of(table.cell(row, i)) + "|";
  return text;
}

std::string value_text(const StateTable& table, Row row) {
  std::string text;
  for (std::size_t i = table.spec().key.size(); i < table.spec().columns(); ++i) {
    text += text_of(table.cell(row, i)) + "|";
  }
  return text;
}

std::string decimal_text(Decimal value) {
  return std::to_string(static_cast<std::int64_t>(value >> 64)) + ":" +
         std::to_string(static_cast<std::uint64_t>(value));
}

}  // namespace

std::string text_of(const Cell& cell) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::monostate>)
          return "NULL";
        else if constexpr (std::is_same_v<T, Decimal>)
          return decimal_text(value);
        else if constexpr (std::is_same_v<T, Interval>) {
          return std::to_string(value.months) + "," + std::to_string(value.days) + "," +
                 std::to_string(value.microseconds);
        } else if constexpr (std::is_same_v<T, std::string_view>)
          return "'" + std::string(value) + "'";
        else if constexpr (std::is_same_v<T, double>)
          return std::isnan(value) ? "nan" : std::to_string(value + 0.0);
        else
          return std::to_string(value);
      },
      cell);
}

Contents contents_of(const StateTable& table) {
  Contents contents;
  table.for_each([&](Row row) { contents[key_text(table, row)] = value_text(table, row); });
  STREAM_CHECK(contents.size() == table.rows());
  return contents;
}

Cell RandomCells::make(Type type, std::int64_t range) {
  const auto n = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(range)));
  switch (type.kind) {
    case TypeKind::kBoolean: return static_cast<std::uint8_t>(n & 1);
    case TypeKind::kDate: return static_cast<std::int32_t>(n - 3);
    case TypeKind::kBigint: return n % 7 == 3 ? std::numeric_limits<std::int64_t>::min() : n;
    case TypeKind::kTimestamp: return n;
    case TypeKind::kDouble:
      return n == 2 ? -0.0 : n == 3 ? std::nan("") : n == 4 ? INFINITY : static_cast<double>(n) / 3;
    case TypeKind::kDecimal: return static_cast<Decimal>(n - 5) * 1'000'000'007'000'000LL;
    case TypeKind::kInterval: return Interval{static_cast<std::int32_t>(n), -1, n * 1000};
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
    case TypeKind::kJson: break;
  }
  // Around the border between inline and long, with an occasional large one.
  const std::size_t length = n % 11 == 10 ? 70'000 : static_cast<std::size_t>(n * 3 % 40);
  texts_.push_back(std::string(length, static_cast<char>('a' + n % 26)));
  if (type.kind == TypeKind::kBlob && !texts_.back().empty()) texts_.back()[0] = '\0';
  if (type.kind == TypeKind::kJson) texts_.back() = "{\"a\":\"" + texts_.back() + "\"}";
  return std::string_view(texts_.back());
}

Cell RandomCells::key(Type type) { return below(10) == 0 ? Cell() : make(type, 12); }
Cell RandomCells::value(Type type) { return below(5) == 0 ? Cell() : make(type, 1000); }

TableSpec rich_spec(Distribution distribution) {
  TableSpec spec;
  spec.name = "rich";
  spec.distribution = distribution;
  spec.key = {{"host", kVarchar}, {"n", kBigint}, {"x", kDouble}};
  spec.value = {{"ok", kBoolean}, {"d", decimal_type(30, 4)}, {"seen", kTimestamp},
                {"day", kDate},   {"every", kInterval},       {"raw", kBlob},
                {"doc", kJson},   {"count", kBigint},         {"name", kVarchar},
                {"f", kDouble}};
  spec.group_columns = 2;
  spec.prefix = 1;
  spec.ordered = "seen";
  return spec;
}

void StateModel::step(StateTable& table, RandomCells& random) {
  const std::uint64_t dice = random.below(100);
  if (dice < 70) return upsert(table, random);
  if (dice < 97) return erase(table, random);
  if (dice < 99) return erase_before(table, random);
  if (random.below(10) == 0) {
    table.clear();
    contents_.clear();
    times_.clear();
  }
}

void StateModel::upsert(StateTable& table, RandomCells& random) {
  std::vector<Cell> key;
  for (const Field& field : spec_.key) key.push_back(random.key(field.type));
  const Row row = table.upsert(key).first;
  const std::string name = key_text(table, row);
  const std::size_t first = spec_.key.size();
  for (std::size_t i = first; i < spec_.columns(); ++i) {
    if (random.below(2) == 0) continue;
    const Cell value = random.value(spec_.field(i).type);
    table.set_cell(row, i, value);
    if (spec_.field(i).name != spec_.ordered) continue;
    if (const auto* time = std::get_if<std::int64_t>(&value))
      times_[name] = *time;
    else
      times_.erase(name);
  }
  contents_[name] = value_text(table, row);
}

void StateModel::erase(StateTable& table, RandomCells& random) {
  std::vector<Cell> key;
  for (const Field& field : spec_.key) key.push_back(random.key(field.type));
  const Row row = table.find(key);
  if (!row) return;
  const std::string name = key_text(table, row);
  contents_.erase(name);
  times_.erase(name);
  table.erase(row);
}

void StateModel::erase_before(StateTable& table, RandomCells& random) {
  const auto until = static_cast<std::int64_t>(random.below(400));
  table.erase_before(until);
  for (auto it = times_.begin(); it != times_.end();) {
    if (it->second >= until) {
      ++it;
      continue;
    }
    contents_.erase(it->first);
    it = times_.erase(it);
  }
}

}  // namespace stream
