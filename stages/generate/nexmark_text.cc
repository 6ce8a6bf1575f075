#include "stages/generate/nexmark_text.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "stages/generate/nexmark_model.h"

namespace stream::nexmark {
namespace {

constexpr std::size_t kFillerBytes = 1 << 20;
constexpr int kDrawBits = 10;
constexpr std::size_t kDraws = 1 << kDrawBits;
constexpr char kSpecial = 0;

// Ten random bits give a character: 79 of 1024 are the special one, which is one in 13, the others a letter.
constexpr std::array<char, kDraws> kCharacters = [] {
  std::array<char, kDraws> table{};
  constexpr std::size_t kSpecials = kDraws / 13 + 1;
  for (std::size_t i = 0; i < kDraws; ++i) {
    table[i] = i < kSpecials ? kSpecial : static_cast<char>('a' + (i - kSpecials) * 26 / (kDraws - kSpecials));
  }
  return table;
}();

std::uint32_t reversed_bits(std::uint32_t x) {
  std::uint32_t out = 0;
  for (int i = 0; i < 32; ++i, x >>= 1) out = out << 1 | (x & 1);
  return out;
}

void add_base_url(RandomRun& random, ShortText& url) {
  url.add("https://www.nexmark.com/");
  for (int part = 0; part < 3; ++part) {
    add_random(random, 5, '_', url);
    url.add('/');
  }
  url.add("item.htm?query=1");
}

}  // namespace

void ShortText::add(std::string_view text) {
  std::memcpy(bytes_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

void ShortText::add_number(std::int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) {
    bytes_[size_ + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  }
  size_ += static_cast<std::size_t>(digits);
}

void ShortText::trim() {
  while (size_ > begin_ && bytes_[size_ - 1] == ' ') --size_;
  while (begin_ < size_ && bytes_[begin_] == ' ') ++begin_;
}

void add_random(RandomRun& random, std::size_t most, char special, ShortText& out) {
  std::int64_t left = 3 + below(random.next(), static_cast<std::int64_t>(most) - 3);
  while (left > 0) {
    std::uint64_t bits = random.next();
    for (int i = 0; i < 64 / kDrawBits && left > 0; ++i, --left, bits >>= kDrawBits) {
      const char c = kCharacters[bits % kDraws];
      out.add(c == kSpecial ? special : c);
    }
  }
}

ShortText random_text(std::uint64_t start, std::size_t most) {
  RandomRun random(start);
  ShortText text;
  add_random(random, most, ' ', text);
  text.trim();
  return text;
}

TextList channel_names() {
  TextList names;
  for (const std::string_view name : {"Google", "Facebook", "Baidu", "Apple"}) names.add(name);
  for (std::size_t i = 0; i < kChannels; ++i) names.add("channel-" + std::to_string(i));
  return names;
}

TextList channel_urls(std::uint64_t seed) {
  const Series starts(seed, Draw::kUrls);
  TextList urls;
  for (std::size_t i = 0; i < kHotChannels + kChannels; ++i) {
    RandomRun random(starts.of(static_cast<std::int64_t>(i)));
    ShortText url;
    add_base_url(random, url);
    std::string text(url);
    if (i >= kHotChannels && below(random.next(), 10) > 0) {
      const auto id = static_cast<std::int32_t>(reversed_bits(static_cast<std::uint32_t>(i - kHotChannels)));
      text += "&channel_id=" + std::to_string(std::abs(static_cast<std::int64_t>(id)));
    }
    urls.add(text);
  }
  return urls;
}

Filler::Filler(std::uint64_t seed) : letters_(kFillerBytes, '\0') {
  RandomRun random(Series(seed, Draw::kLetters).of(0));
  for (std::size_t i = 0; i < letters_.size();) {
    std::uint64_t bits = random.next();
    for (int k = 0; k < 4 && i < letters_.size(); ++k, bits >>= 16) {
      letters_[i++] = static_cast<char>('a' + ((bits & 0xffff) * 26 >> 16));
    }
  }
}

std::string_view Filler::of(std::uint64_t random, std::int64_t size, std::int64_t average) const {
  if (size > average) return {};
  const std::int64_t wanted = average - size;
  const std::int64_t spread = (wanted * 2 + 5) / 10;  // a fifth, rounded
  const std::int64_t length = wanted - spread + (spread == 0 ? 0 : below(random << 32, 2 * spread));
  return std::string_view(letters_).substr(
      static_cast<std::size_t>(below(random, static_cast<std::int64_t>(letters_.size()) - length)),
      static_cast<std::size_t>(length));
}

}  // namespace stream::nexmark
