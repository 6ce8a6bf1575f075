#include "stages/generate/nexmark_fields.h"

namespace stream::nexmark {
namespace {

constexpr std::int64_t kAverageSize = 100;
constexpr std::int64_t kNumbersSize = 32;

std::int64_t auction_of(std::int64_t event, std::uint64_t random) {
  return kFirstId + ((random & 1) != 0 ? hot(last_auction(event)) : some_auction(event, random));
}

std::int64_t bidder_of(std::int64_t event, std::uint64_t random) {
  return kFirstId + ((random & 3) != 0 ? hot(last_person(event)) + 1 : some_person(event, random));
}

std::size_t channel_of(std::uint64_t random) {
  if ((random & 1) != 0) return random >> 1 & (kHotChannels - 1);
  return kHotChannels + static_cast<std::size_t>(below(random, kChannels));
}

Column make_auction(Model& model, Events events) {
  return numbers(kBigint, events, [series = model.series(Draw::kAuction)](std::int64_t event) {
    return auction_of(event, series.of(event));
  });
}

Column make_bidder(Model& model, Events events) {
  const std::int64_t more = model.settings().matching_bidders ? 0 : kFirstId;
  return numbers(kBigint, events, [more, series = model.series(Draw::kBidder)](std::int64_t event) {
    return more + bidder_of(event, series.of(event));
  });
}

Column make_price(Model& model, Events events) {
  return numbers(kBigint, events, [&prices = model.prices(), series = model.series(Draw::kPrice)](std::int64_t event) {
    return prices.of(series.of(event));
  });
}

Column make_channel(Model& model, Events events) {
  return texts(events, [&names = model.channels(), series = model.series(Draw::kChannel)](std::int64_t event) {
    return names[channel_of(series.of(event))];
  });
}

Column make_url(Model& model, Events events) {
  return texts(events, [&urls = model.urls(), series = model.series(Draw::kChannel)](std::int64_t event) {
    return urls[channel_of(series.of(event))];
  });
}

Column make_extra(Model& model, Events events) {
  return texts(events, [&filler = model.filler(), series = model.series(Draw::kExtra)](std::int64_t event) {
    return filler.of(series.of(event), kNumbersSize, kAverageSize);
  });
}

constexpr FieldMaker kFields[] = {
    {"auction", kBigint, make_auction},  {"bidder", kBigint, make_bidder}, {"price", kBigint, make_price},
    {"channel", kVarchar, make_channel}, {"url", kVarchar, make_url},      {"date_time", kTimestamp, make_date_time},
    {"extra", kVarchar, make_extra},
};

}  // namespace

std::span<const FieldMaker> bid_fields() { return kFields; }

}  // namespace stream::nexmark
