#include "compare/result_diff.h"

#include <algorithm>
#include <cstring>

#include "transport/base/text.h"

namespace stream {
namespace {

// Rows of one key that are looked at together. A key that has more is no key; then pairs are as they come.
constexpr std::size_t kGroupMax = 512;

void append_numbered(std::string& to, std::size_t column, const ResultValue& value) {
  to += static_cast<char>(column >> 8);
  to += static_cast<char>(column);
  append_value(to, value);
}

void read_numbered(std::string_view from, ResultRecord& record) {
  while (!from.empty()) {
    const std::size_t column = static_cast<unsigned char>(from[0]) << 8 | static_cast<unsigned char>(from[1]);
    from.remove_prefix(2);
    record[column] = read_value(from);
  }
}

std::vector<std::string> without(const std::vector<std::string>& all, const std::vector<std::string>& others) {
  std::vector<std::string> out;
  for (const std::string& name : all) {
    if (std::ranges::find(others, name) == others.end()) out.push_back(name);
  }
  return out;
}

std::uint64_t whole(std::int64_t rows) { return rows > 0 ? static_cast<std::uint64_t>(rows) : 0; }

}  // namespace

ResultDiff::ResultDiff(DiffOptions options, std::string scratch, std::uint64_t bytes_max)
    : options_(std::move(options)), net_(std::move(scratch), bytes_max) {}

Status ResultDiff::announce(std::array<std::vector<std::string>, 2> columns) {
  std::vector<std::string> all = columns[0];
  for (const std::string& name : without(columns[1], columns[0])) all.push_back(name);
  for (const std::string& name : options_.ignore) {
    if (std::ranges::find(all, name) == all.end())
      return usage_error("there is no column '" + name + "' to ignore" + did_you_mean(name, all));
  }
  for (const Side side : kSides) {
    for (const std::string& name : options_.key) {
      const auto& own = columns[index_of(side)];
      if (std::ranges::find(own, name) == own.end())
        return usage_error("the key '" + name + "' is no column of " + name_of(side) + did_you_mean(name, own));
    }
  }
  for (const Side side : kSides) {
    for (const std::string& name : without(columns[index_of(side)], columns[1 - index_of(side)])) {
      if (options_.ignore.contains(name)) continue;
      notes_.push_back("column '" + name + "' is only in " + name_of(side));
      left_out_.insert(name);
    }
  }
  for (const std::string& name : options_.key) number(name);
  columns_.keys = columns_.names.size();
  for (const std::string& name : all) {
    if (!left_out_.contains(name) && !options_.ignore.contains(name)) number(name);
  }
  return {};
}

std::size_t ResultDiff::number(const std::string& name) {
  const auto [it, is_new] = numbers_.try_emplace(name, columns_.names.size());
  if (is_new) columns_.names.push_back(name);
  return it->second;
}

std::optional<std::size_t> ResultDiff::number_of(Side side, std::span<const std::string> names, std::size_t at) {
  auto& mapped = mapped_[index_of(side)];
  while (mapped.size() <= at) {
    const std::string& name = names[mapped.size()];
    const bool out = left_out_.contains(name) || options_.ignore.contains(name);
    mapped.push_back(out ? std::nullopt : std::optional(number(name)));
  }
  return mapped[at];
}

// Without a key what may be a little different must not decide which rows are looked at together.
bool ResultDiff::soft(std::size_t column, const ResultValue& value) const {
  if (options_.tolerance <= 0 || !value.number()) return false;
  return value.kind == ResultKind::kReal || options_.reals.contains(columns_.names[column]);
}

Status ResultDiff::add(Side side, std::span<const std::string> names, std::span<const ResultValue> values, int times) {
  std::vector<ResultValue> loose;
  if (options_.loose) {
    for (const ResultValue& value : values) loose.push_back(loosened(value));
    values = loose;
  }
  row_.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto column = number_of(side, names, i);
    if (!column) continue;
    if (row_.size() <= *column) row_.resize(*column + 1);
    row_[*column] = &values[i];
  }
  STREAM_CHECK(columns_.names.size() <= UINT16_MAX);
  key_bytes_.clear();
  row_bytes_.clear();
  const std::size_t keys = columns_.keys;
  row_.resize(std::max(row_.size(), keys));
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const bool there = row_[i] != nullptr && !row_[i]->null();
    if (there) append_numbered(i < keys || (keys == 0 && !soft(i, *row_[i])) ? key_bytes_ : row_bytes_, i, *row_[i]);
  }
  rows_[index_of(side)] += options_.goes_on ? std::max(times, 0) : times;
  return net_.add(key_bytes_, row_bytes_, side == Side::kA ? times : -times);
}

DiffCounts ResultDiff::so_far() const { return {whole(rows_[0]), whole(rows_[1]), net_.only_a(), net_.only_b(), 0}; }

Result<DiffCounts> ResultDiff::finish(DiffVisitor& visitor) {
  DiffCounts counts{.rows_a = whole(rows_[0]), .rows_b = whole(rows_[1])};
  Group group;
  const Status all = net_.each([&](const NetRows::Net& net) -> Status {
    if (group.key != net.key || group.size() >= kGroupMax) {
      STREAM_TRY(match(group, visitor, counts));
      group = {.key = std::string(net.key)};
    }
    Item item{{}, static_cast<std::uint64_t>(std::abs(net.times))};
    read_numbered(net.key, item.record);
    read_numbered(net.row, item.record);
    group.items[net.times > 0 ? 0 : 1].push_back(std::move(item));
    return {};
  });
  STREAM_TRY(all);
  STREAM_TRY(match(group, visitor, counts));
  return counts;
}

// Takes out what is the same up to the tolerance.
void ResultDiff::cancel(Group& group) const {
  if (options_.tolerance <= 0) return;
  for (Item& a : group.items[0]) {
    for (Item& b : group.items[1]) {
      const std::uint64_t both = std::min(a.times, b.times);
      if (both == 0 || !about_same(a.record, b.record)) continue;
      a.times -= both;
      b.times -= both;
    }
  }
}

Status ResultDiff::match(Group& group, DiffVisitor& visitor, DiffCounts& counts) const {
  cancel(group);
  auto b = group.items[1].begin();
  for (Item& a : group.items[0]) {
    while (columns_.keys > 0 && a.times > 0 && b != group.items[1].end()) {
      const std::uint64_t both = std::min(a.times, b->times);
      if (both > 0) {
        STREAM_TRY(visitor.differs(a.record, b->record, differing(a.record, b->record), both));
        counts.differing += both;
        a.times -= both;
        b->times -= both;
      }
      if (b->times == 0) ++b;
    }
    if (a.times == 0) continue;
    counts.only_a += a.times;
    STREAM_TRY(visitor.only(Side::kA, a.record, a.times));
  }
  for (const Item& rest : group.items[1]) {
    if (rest.times == 0) continue;
    counts.only_b += rest.times;
    STREAM_TRY(visitor.only(Side::kB, rest.record, rest.times));
  }
  return {};
}

bool ResultDiff::about_same(const ResultRecord& a, const ResultRecord& b) const { return differing(a, b).empty(); }

std::vector<std::size_t> ResultDiff::differing(const ResultRecord& a, const ResultRecord& b) const {
  static const ResultValue kNull;
  const auto value = [](const ResultRecord& record, std::size_t column) -> const ResultValue& {
    const auto it = record.find(column);
    return it == record.end() ? kNull : it->second;
  };
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < columns_.names.size(); ++i) {
    if (!stream::about_same(value(a, i), value(b, i), options_.tolerance)) out.push_back(i);
  }
  return out;
}

}  // namespace stream
