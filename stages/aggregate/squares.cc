#include "stages/aggregate/squares.h"

#include <cmath>

namespace stream {
namespace {

using Word = unsigned __int128;

// A number of 64-bit digits, the lowest first; wide enough for count * the sum of squares.
using Wide = std::array<std::uint64_t, kSquareParts + 3>;

void add_at(Wide& to, std::size_t digit, Word value) {
  Word carry = value;
  for (std::size_t i = digit; i < to.size() && carry != 0; ++i) {
    const Word low = Word{to[i]} + static_cast<std::uint64_t>(carry);
    to[i] = static_cast<std::uint64_t>(low);
    carry = (carry >> 64) + (low >> 64);
  }
}

void subtract(Wide& from, const Wide& value) {
  bool borrow = false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Word take = Word{value[i]} + (borrow ? 1 : 0);
    borrow = Word{from[i]} < take;
    from[i] -= static_cast<std::uint64_t>(take);
  }
}

double number(const Wide& value) {
  long double out = 0;
  for (std::size_t i = value.size(); i-- > 0;) out = out * 18446744073709551616.0L + value[i];
  return static_cast<double>(out);
}

}  // namespace

std::array<std::uint64_t, kSquareParts> square(Decimal value) {
  const Word size = value < 0 ? -static_cast<Word>(value) : static_cast<Word>(value);
  const auto low = static_cast<std::uint64_t>(size);
  const auto high = static_cast<std::uint64_t>(size >> 64);
  Wide out{};
  add_at(out, 0, Word{low} * low);
  add_at(out, 1, Word{low} * high);
  add_at(out, 1, Word{low} * high);
  add_at(out, 2, Word{high} * high);
  return {out[0], out[1], out[2], out[3]};
}

// sum((x - mean)^2) = (n * sum(x^2) - sum(x)^2) / n; the difference is computed exactly.
double squared_distances(Decimal sum, std::span<const Decimal> parts, std::int64_t count) {
  Wide total{};
  const auto n = static_cast<std::uint64_t>(count);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = static_cast<Word>(parts[i]);
    add_at(total, i, Word{static_cast<std::uint64_t>(part)} * n);
    add_at(total, i + 1, Word{static_cast<std::uint64_t>(part >> 64)} * n);
  }
  Wide of_sum{};
  const auto squared = square(sum);
  for (std::size_t i = 0; i < squared.size(); ++i) of_sum[i] = squared[i];
  subtract(total, of_sum);
  return number(total) / static_cast<double>(count);
}

}  // namespace stream
