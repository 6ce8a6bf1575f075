// Scanning of bytes 16 at a time. Every function reads up to kScanPadding bytes behind the one it
// returns, and needs a byte that stops it: all of them stop at a newline.
#pragma once

#include <emmintrin.h>
#include <smmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace stream::format {

inline constexpr std::size_t kScanPadding = 64;

inline __m128i load16(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline unsigned bits_of(__m128i mask) { return static_cast<unsigned>(_mm_movemask_epi8(mask)); }
inline __m128i equal_to(__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); }
inline __m128i at_most(__m128i bytes, char c) { return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(c)), bytes); }

// The first quote, backslash or control character in a JSON string. `high` collects the sign bits of
// the bytes before it: 0 = all ASCII.
inline const char* string_stop(const char* p, unsigned& high) {
  for (;; p += 16) {
    const __m128i bytes = load16(p);
    const __m128i stop = _mm_or_si128(_mm_or_si128(equal_to(bytes, '"'), equal_to(bytes, '\\')), at_most(bytes, 0x1f));
    const unsigned found = bits_of(stop);
    const unsigned signs = bits_of(bytes);
    if (found != 0) {
      high |= signs & (found ^ (found - 1));
      return p + __builtin_ctz(found);
    }
    high |= signs;
  }
}

// The end of a JSON scalar: comma, brace, bracket, blank or control character.
inline const char* scalar_stop(const char* p) {
  for (;; p += 16) {
    const __m128i bytes = load16(p);
    const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));  // ']' becomes '}'
    const unsigned found =
        bits_of(_mm_or_si128(_mm_or_si128(equal_to(bytes, ','), equal_to(folded, '}')), at_most(bytes, ' ')));
    if (found != 0) return p + __builtin_ctz(found);
  }
}

// The first quote, bracket, brace or control character (blanks excepted).
inline const char* structure_stop(const char* p) {
  for (;; p += 16) {
    const __m128i bytes = load16(p);
    const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    const __m128i brackets = _mm_or_si128(equal_to(folded, '{'), equal_to(folded, '}'));
    const unsigned found = bits_of(_mm_or_si128(_mm_or_si128(brackets, equal_to(bytes, '"')), at_most(bytes, 0x1f)));
    if (found != 0) return p + __builtin_ctz(found);
  }
}

// True if `size` bytes at p equal the literal, which has 16 readable bytes behind its end.
inline bool matches(const char* p, const char* literal, std::size_t size) {
  for (;;) {
    const unsigned same = bits_of(_mm_cmpeq_epi8(load16(p), load16(literal)));
    if (size <= 16) {
      const unsigned wanted = (1U << size) - 1;
      return (same & wanted) == wanted;
    }
    if (same != 0xffff) return false;
    p += 16;
    literal += 16;
    size -= 16;
  }
}

inline std::uint64_t load8(const char* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

inline constexpr std::uint64_t kPowersOfTen[9] = {1,       10,        100,        1'000,      10'000,
                                                  100'000, 1'000'000, 10'000'000, 100'000'000};

// How many of a word's bytes, from the first in memory on, are digits: 0 to 8.
inline int leading_digits(std::uint64_t word) {
  constexpr std::uint64_t kHigh = 0xf0f0f0f0f0f0f0f0;
  constexpr std::uint64_t kZeros = 0x3030303030303030;
  // A carry out of a byte reaches only bytes behind one that is no digit.
  const std::uint64_t other = ((word & kHigh) ^ kZeros) | (((word + 0x0606060606060606) & kHigh) ^ kZeros);
  return other == 0 ? 8 : __builtin_ctzll(other) >> 3;
}

// The number that the first `count` bytes of a word are, which are digits.
inline std::uint64_t value_of_leading(std::uint64_t word, int count) {
  if (count == 0) return 0;
  word = (word ^ 0x3030303030303030) << (8 * (8 - count));
  word = word * 10 + (word >> 8);
  constexpr std::uint64_t kMask = 0x000000ff000000ff;
  return (((word & kMask) * 0x000f424000000064) + (((word >> 16) & kMask) * 0x0000271000000001)) >> 32;
}

inline bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

}  // namespace stream::format
