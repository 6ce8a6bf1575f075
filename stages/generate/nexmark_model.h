// The arithmetic of the Nexmark benchmark's generator: which kind of event has which number, which ids
// it may refer to, and when it happens. Follows github.com/nexmark/nexmark (GeneratorConfig, model/*).
//
// Of 50 events one is a person, three are auctions and 46 are bids. An event's content depends on the
// seed and its number alone. Ids in here are counted from 0; kFirstId is added where they are printed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "stages/generate/random.h"
#include "transport/base/clock.h"

namespace stream::nexmark {

enum class Kind : std::uint8_t { kPerson, kAuction, kBid };

inline constexpr std::int64_t kEpoch = 50;
inline constexpr std::int64_t kAuctionsAnEpoch = 3;
inline constexpr std::int64_t kFirstId = 1000;
inline constexpr std::int64_t kFirstCategory = 10;
inline constexpr std::int64_t kCategories = 5;
inline constexpr std::int64_t kActivePeople = 1000;
inline constexpr std::int64_t kOpenAuctions = 100;
inline constexpr std::int64_t kLead = 10;                    // so many ids not yet born are referred to
inline constexpr std::int64_t kHotGroup = 100;               // the hot id changes after so many
inline constexpr std::int64_t kStartMs = 1'436'918'400'000;  // 2015-07-15 00:00 UTC

struct Settings {
  std::uint64_t seed = 1;
  std::int64_t events_a_second = 10'000'000;  // of event time
  std::int64_t shuffle = 1;                   // events in groups of so many are in another order
  bool matching_bidders = false;              // else a bidder's id is 1000 too high, as in the original
};

constexpr Kind kind_of(std::int64_t event) {
  const std::int64_t offset = event % kEpoch;
  return offset == 0 ? Kind::kPerson : offset <= kAuctionsAnEpoch ? Kind::kAuction : Kind::kBid;
}

// The newest person, and auction, when the event happens; an own one counts.
constexpr std::int64_t last_person(std::int64_t event) { return event / kEpoch; }
constexpr std::int64_t last_auction(std::int64_t event) {
  const std::int64_t offset = event % kEpoch;
  return event / kEpoch * kAuctionsAnEpoch + std::min(offset, kAuctionsAnEpoch) - 1;
}

// Which event row n is. A group's size must not be divisible by 953, or events would come twice.
inline constexpr std::int64_t kShuffleStride = 953;
constexpr std::int64_t event_of_row(std::int64_t n, std::int64_t group) {
  return group == 1 ? n : n / group * group + n % group * kShuffleStride % group;
}

// A person who may do something now: one of the newest thousand, or one who is still to come.
constexpr std::int64_t some_person(std::int64_t event, std::uint64_t random) {
  const std::int64_t people = last_person(event) + 1;
  const std::int64_t active = std::min(people, kActivePeople);
  return people - active + below(random, active + kLead);
}

constexpr std::int64_t hot(std::int64_t newest) { return newest / kHotGroup * kHotGroup; }

// An auction that is open now, or one still to come.
constexpr std::int64_t some_auction(std::int64_t event, std::uint64_t random) {
  const std::int64_t newest = last_auction(event);
  const std::int64_t oldest = std::max<std::int64_t>(newest - kOpenAuctions, 0);
  return oldest + below(random, newest - oldest + 1 + kLead);
}

// Milliseconds since the epoch at which events happen. Neighbours share one, so that asking in order
// costs no division.
class EventTimes {
 public:
  explicit EventTimes(std::int64_t events_a_second) : rate_(events_a_second) {}
  std::int64_t of(std::int64_t event) {
    if (event < from_ || event >= until_) find(event);
    return kStartMs + ms_;
  }

 private:
  void find(std::int64_t event) {
    using Wide = __int128;
    ms_ = static_cast<std::int64_t>(Wide{event} * 1000 / rate_);
    from_ = first_at(ms_);
    until_ = first_at(ms_ + 1);
  }
  std::int64_t first_at(std::int64_t ms) const {
    return static_cast<std::int64_t>((static_cast<__int128>(ms) * rate_ + 999) / 1000);
  }

  std::int64_t rate_;
  std::int64_t ms_ = 0;
  std::int64_t from_ = 0;
  std::int64_t until_ = 0;
};

// What a random number is for: each purpose has a series of its own.
enum class Draw : std::uint64_t {
  kName = 1,
  kEmail,
  kCard,
  kCity,
  kState,
  kItem,
  kDescription,
  kStartPrice,
  kReserve,
  kLength,
  kSeller,
  kCategory,
  kAuction,
  kBidder,
  kPrice,
  kChannel,
  kExtra,
  kLetters,
  kUrls,
};

// One series: a number for each event.
class Series {
 public:
  Series(std::uint64_t seed, Draw draw) : base_(mixed(mixed(seed) + static_cast<std::uint64_t>(draw))) {}
  std::uint64_t of(std::int64_t event) const { return mixed(base_ + static_cast<std::uint64_t>(event)); }

 private:
  std::uint64_t base_;
};

// Prices in cents, from 100 to 100,000,000, their logarithm evenly spread. A table and multiplication
// give the same result on every machine, which a library's power function does not.
class Prices {
 public:
  Prices();
  std::int64_t of(std::uint64_t random) const {
    const double at = unit(random) * kSteps;
    const auto step = static_cast<std::size_t>(at);
    const double low = table_[step];
    const double price = low + (at - static_cast<double>(step)) * (table_[step + 1] - low);
    return static_cast<std::int64_t>(2 * price + 1) / 2;  // rounded, without a call
  }

 private:
  static constexpr std::size_t kSteps = 1024;
  std::array<double, kSteps + 1> table_;
};

}  // namespace stream::nexmark
