// The texts of Nexmark's events.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/generate/random.h"

namespace stream::nexmark {

inline constexpr std::size_t kTextMax = 100;

// A short text in place, without an allocation.
class ShortText {
 public:
  void add(char c) { bytes_[size_++] = c; }
  void add(std::string_view text);
  void add_number(std::int64_t value, int digits);  // with leading zeros
  void trim();                                      // blanks at both ends
  operator std::string_view() const { return {bytes_.data() + begin_, size_ - begin_}; }
  std::size_t size() const { return size_ - begin_; }

 private:
  std::array<char, 2 * kTextMax> bytes_;
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

// From 3 to most - 1 characters: one in 13 is `special`, the others are letters.
void add_random(RandomRun& random, std::size_t most, char special, ShortText& out);
ShortText random_text(std::uint64_t start, std::size_t most);  // trimmed, with blanks

// Texts one behind the other.
class TextList {
 public:
  void add(std::string_view text) {
    bytes_ += text;
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  }
  std::string_view operator[](std::size_t i) const {
    return {bytes_.data() + ends_[i], static_cast<std::size_t>(ends_[i + 1] - ends_[i])};
  }
  bool empty() const { return ends_.size() == 1; }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_ = {0};
};

// Four channels that half of the bids come through, then ten thousand others, each with its address.
inline constexpr std::size_t kHotChannels = 4;
inline constexpr std::size_t kChannels = 10'000;
TextList channel_names();
TextList channel_urls(std::uint64_t seed);

// Filler that makes an event as long as it should be on average: any part of one long random text.
class Filler {
 public:
  explicit Filler(std::uint64_t seed);
  // Of an event that counts `size` bytes and should count `average`.
  std::string_view of(std::uint64_t random, std::int64_t size, std::int64_t average) const;

 private:
  std::string letters_;
};

}  // namespace stream::nexmark
