#include "stages/aggregate/fired_groups.h"

#include <algorithm>

#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kUntil = 1;
constexpr std::size_t kHashRows = 4096;

}  // namespace

TableSpec FiredGroups::spec(const TableSpec& slices) {
  TableSpec spec;
  spec.name = slices.name + "_fired";
  spec.key = {{"key_group_member", kBigint}};
  spec.value = {{"fired_until", kTimestamp}};
  spec.definition = slices.definition;
  return spec;
}

FiredGroups::FiredGroups(StateTable& table, const Context& context, bool single)
    : table_(table),
      key_groups_(context.key_groups),
      mine_(single ? KeyGroupRange{0, 1} : key_groups_of(context.instance, context.parallelism, context.key_groups)) {}

void FiredGroups::restored() {
  table_.for_each([&](Row row) {
    if (until_.empty()) until_.assign(key_groups_, kNoWatermark);
    const std::size_t columns[] = {0};
    std::uint64_t hash = 0;
    hash_keys({nullptr, 1, {table_.gather({&row, 1}, 0)}, {}}, columns, {&hash, 1});
    const auto until = table_.get<std::int64_t>(row, kUntil);
    until_[key_group_of(hash, key_groups_).value()] = until;
    latest_ = std::max(latest_, until);
  });
}

void FiredGroups::reached(Microseconds until) {
  if (until >= latest_) until_.clear();
}

// The smallest numbers whose hashes are of the key groups: some 7 tries a group.
void FiredGroups::find_numbers() {
  numbers_.assign(mine_.end, -1);
  std::size_t missing = mine_.end - mine_.begin;
  std::vector<std::uint64_t> hashes(kHashRows);
  const std::size_t columns[] = {0};
  for (std::int64_t first = 0; missing > 0; first += kHashRows) {
    ColumnBuilder numbers(kBigint, kHashRows);
    for (std::size_t i = 0; i < kHashRows; ++i) numbers.append(first + static_cast<std::int64_t>(i));
    hash_keys({nullptr, kHashRows, {numbers.finish()}, {}}, columns, hashes);
    for (std::size_t i = 0; i < kHashRows; ++i) {
      const std::uint32_t group = key_group_of(hashes[i], key_groups_).value();
      if (group < mine_.begin || group >= mine_.end || numbers_[group] >= 0) continue;
      numbers_[group] = first + static_cast<std::int64_t>(i);
      --missing;
    }
  }
}

void FiredGroups::save(Microseconds until) {
  if (until == kNoWatermark) return;
  if (numbers_.empty()) find_numbers();
  for (std::uint32_t group = mine_.begin; group < mine_.end; ++group) {
    const Microseconds known = until_.empty() ? until : std::max(until, until_[group]);
    const Row row = table_.find({Cell(numbers_[group])});
    if (row && table_.get<std::int64_t>(row, kUntil) == known) continue;
    table_.set(row ? row : table_.upsert({Cell(numbers_[group])}).first, kUntil, known);
  }
}

}  // namespace stream
