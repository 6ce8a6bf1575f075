#include "stages/generate/nexmark_fields.h"

namespace stream::nexmark {
namespace {

constexpr std::int64_t kAverageSize = 500;
constexpr std::int64_t kNumbersSize = 48;
constexpr std::size_t kItemMost = 20;
constexpr std::size_t kDescriptionMost = 100;
// An auction is open for about as long as a hundred more take to come.
constexpr std::int64_t kEventsOpen = kOpenAuctions * kEpoch / kAuctionsAnEpoch;

std::int64_t seller_of(std::int64_t event, std::uint64_t random) {
  return kFirstId + ((random & 3) != 0 ? hot(last_person(event)) : some_person(event, random));
}

Column make_id(Model&, Events events) {
  return numbers(kBigint, events, [](std::int64_t event) { return kFirstId + last_auction(event); });
}

Column make_item(Model& model, Events events) {
  return texts(events, [series = model.series(Draw::kItem)](std::int64_t event) {
    return random_text(series.of(event), kItemMost);
  });
}

Column make_description(Model& model, Events events) {
  return texts(events, [series = model.series(Draw::kDescription)](std::int64_t event) {
    return random_text(series.of(event), kDescriptionMost);
  });
}

Column make_initial_bid(Model& model, Events events) {
  return numbers(kBigint, events,
                 [&prices = model.prices(), series = model.series(Draw::kStartPrice)](std::int64_t event) {
                   return prices.of(series.of(event));
                 });
}

Column make_reserve(Model& model, Events events) {
  const Series starts = model.series(Draw::kStartPrice);
  const Series more = model.series(Draw::kReserve);
  const Prices& prices = model.prices();
  return numbers(kBigint, events,
                 [&](std::int64_t event) { return prices.of(starts.of(event)) + prices.of(more.of(event)); });
}

Column make_expires(Model& model, Events events) {
  EventTimes times = model.times();
  EventTimes later = model.times();
  const Series lengths = model.series(Draw::kLength);
  return numbers(kTimestamp, events, [&](std::int64_t event) {
    const std::int64_t begin = times.of(event);
    const std::int64_t horizon = later.of(event + kEventsOpen) - begin;
    return (begin + 1 + below(lengths.of(event), std::max<std::int64_t>(2 * horizon, 1))) * 1000;
  });
}

Column make_seller(Model& model, Events events) {
  return numbers(kBigint, events, [series = model.series(Draw::kSeller)](std::int64_t event) {
    return seller_of(event, series.of(event));
  });
}

Column make_category(Model& model, Events events) {
  return numbers(kBigint, events, [series = model.series(Draw::kCategory)](std::int64_t event) {
    return kFirstCategory + below(series.of(event), kCategories);
  });
}

Column make_extra(Model& model, Events events) {
  const Filler& filler = model.filler();
  const Series items = model.series(Draw::kItem);
  const Series descriptions = model.series(Draw::kDescription);
  const Series extras = model.series(Draw::kExtra);
  return texts(events, [&](std::int64_t event) {
    const std::size_t size =
        random_text(items.of(event), kItemMost).size() + random_text(descriptions.of(event), kDescriptionMost).size();
    return filler.of(extras.of(event), kNumbersSize + static_cast<std::int64_t>(size), kAverageSize);
  });
}

constexpr FieldMaker kFields[] = {
    {"id", kBigint, make_id},
    {"item_name", kVarchar, make_item},
    {"description", kVarchar, make_description},
    {"initial_bid", kBigint, make_initial_bid},
    {"reserve", kBigint, make_reserve},
    {"date_time", kTimestamp, make_date_time},
    {"expires", kTimestamp, make_expires},
    {"seller", kBigint, make_seller},
    {"category", kBigint, make_category},
    {"extra", kVarchar, make_extra},
};

}  // namespace

std::span<const FieldMaker> auction_fields() { return kFields; }

}  // namespace stream::nexmark
