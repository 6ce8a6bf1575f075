#include "stages/aggregate/hyperloglog.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace stream {
namespace {

constexpr std::size_t kEntry = 3;
constexpr std::size_t kSparseMost = 1024 * kEntry;
constexpr std::size_t kRegisters = HyperLogLog::kRegisters;
constexpr unsigned kRankMost = 64 - HyperLogLog::kBits + 1;

std::uint8_t byte(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }
std::size_t register_at(std::string_view sparse, std::size_t at) {
  return byte(sparse, at) + std::size_t{byte(sparse, at + 1)} * 256;
}

bool dense(std::string_view sketch) { return sketch.size() == kRegisters; }

// Where the register's entry is, or would be.
std::size_t find_entry(std::string_view sparse, std::size_t index) {
  std::size_t low = 0;
  std::size_t high = sparse.size() / kEntry;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (register_at(sparse, middle * kEntry) < index)
      low = middle + 1;
    else
      high = middle;
  }
  return low * kEntry;
}

template <class Visit>  // void(std::size_t index, std::uint8_t rank)
void for_each_rank(std::string_view sketch, Visit&& visit) {
  if (dense(sketch)) {
    for (std::size_t i = 0; i < kRegisters; ++i) visit(i, byte(sketch, i));
    return;
  }
  for (std::size_t at = 0; at < sketch.size(); at += kEntry) visit(register_at(sketch, at), byte(sketch, at + 2));
}

std::string to_dense(std::string_view sketch) {
  std::string out(kRegisters, '\0');
  for_each_rank(sketch, [&](std::size_t index, std::uint8_t rank) { out[index] = static_cast<char>(rank); });
  return out;
}

// The high bits of a hash choose the key group: values of the column rows are parted by have them in common.
std::uint64_t mix(std::uint64_t hash) {
  hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15ULL;
  hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9ULL;
  return hash ^ (hash >> 32);
}

// O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017: sums that correct for registers that
// are empty, and for those that are full.
double sigma(double x) {
  if (x == 1) return INFINITY;
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

bool HyperLogLog::add(std::string_view sketch, std::uint64_t hash, std::string& to) {
  const std::uint64_t bits = mix(hash);
  const std::size_t index = bits >> (64 - kBits);
  const auto rank = static_cast<std::uint8_t>(
      std::min<unsigned>(static_cast<unsigned>(std::countl_zero(bits << kBits)) + 1, kRankMost));
  if (dense(sketch)) {
    if (byte(sketch, index) >= rank) return false;
    to = sketch;
    to[index] = static_cast<char>(rank);
    return true;
  }
  const std::size_t at = find_entry(sketch, index);
  const bool there = at < sketch.size() && register_at(sketch, at) == index;
  if (there && byte(sketch, at + 2) >= rank) return false;
  to = sketch;
  if (!there) to.insert(at, kEntry, '\0');
  to[at] = static_cast<char>(index & 255);
  to[at + 1] = static_cast<char>(index >> 8);
  to[at + 2] = static_cast<char>(rank);
  if (to.size() > kSparseMost) to = to_dense(to);
  return true;
}

std::string HyperLogLog::merge(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b);
  std::string all = to_dense(a);
  for_each_rank(b, [&](std::size_t index, std::uint8_t rank) {
    all[index] = static_cast<char>(std::max(static_cast<std::uint8_t>(all[index]), rank));
  });
  const auto used = kRegisters - static_cast<std::size_t>(std::ranges::count(all, '\0'));
  if (used * kEntry > kSparseMost) return all;
  std::string out;
  for (std::size_t i = 0; i < kRegisters; ++i) {
    if (all[i] == '\0') continue;
    out += static_cast<char>(i & 255);
    out += static_cast<char>(i >> 8);
    out += all[i];
  }
  return out;
}

double HyperLogLog::estimate(std::string_view sketch) {
  if (sketch.empty()) return 0;
  std::array<std::uint32_t, kRankMost + 1> count{};
  std::size_t seen = 0;
  for_each_rank(sketch, [&](std::size_t, std::uint8_t rank) {
    ++count[std::min<unsigned>(rank, kRankMost)];
    ++seen;
  });
  count[0] += static_cast<std::uint32_t>(kRegisters - seen);
  constexpr auto kM = static_cast<double>(kRegisters);
  double z = kM * tau(1 - count[kRankMost] / kM);
  for (unsigned rank = kRankMost - 1; rank >= 1; --rank) z = 0.5 * (z + count[rank]);
  z += kM * sigma(count[0] / kM);
  return kM * kM / (2 * std::log(2.0) * z);
}

}  // namespace stream
