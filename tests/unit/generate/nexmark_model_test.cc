// What the events are like: ids, times, and how values are distributed.
#include <cmath>
#include <map>
#include <set>

#include "tests/unit/generate/support.h"

using namespace stream;
using namespace stream::test;
using namespace stream::nexmark;

namespace {

constexpr std::int64_t kMany = 500'000;

// One kind's events as one batch.
struct Table {
  explicit Table(Kind kind, std::map<std::string, std::string> options = {}) {
    Model model(settings_of(nexmark_options(std::move(options))));
    for (std::int64_t event = 0; event < kMany; ++event) {
      if (kind_of(event) == kind) events.push_back(event);
    }
    for (const FieldMaker& field : fields_of(kind)) columns.emplace(field.name, field.make(model, events));
  }
  std::int64_t number(const char* column, std::size_t row) const { return columns.at(column).value<std::int64_t>(row); }
  std::string text(const char* column, std::size_t row) const { return cell(columns.at(column), row); }
  // Share of rows for which it holds.
  template <class F>
  double share(F holds) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < events.size(); ++i) count += holds(i) ? 1 : 0;
    return static_cast<double>(count) / static_cast<double>(events.size());
  }
  template <class F>
  double mean(F value) const {
    double sum = 0;
    for (std::size_t i = 0; i < events.size(); ++i) sum += static_cast<double>(value(i));
    return sum / static_cast<double>(events.size());
  }

  std::vector<std::int64_t> events;
  std::map<std::string, Column> columns;
};

void check_near(double value, double expected, double tolerance) {
  BOOST_TEST(std::abs(value - expected) <= tolerance, value << " is not " << expected << " +- " << tolerance);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nexmark_model)

BOOST_AUTO_TEST_CASE(one_person_three_auctions_46_bids) {
  BOOST_TEST((kind_of(0) == Kind::kPerson));
  for (const std::int64_t event : {1, 2, 3, 51, 53}) BOOST_TEST((kind_of(event) == Kind::kAuction));
  for (const std::int64_t event : {4, 49, 54, 99}) BOOST_TEST((kind_of(event) == Kind::kBid));
  BOOST_TEST(last_person(49) == 0);
  BOOST_TEST(last_person(50) == 1);
  BOOST_TEST(last_auction(0) == -1);
  BOOST_TEST(last_auction(1) == 0);
  BOOST_TEST(last_auction(3) == 2);
  BOOST_TEST(last_auction(49) == 2);
  BOOST_TEST(last_auction(50) == 2);
  BOOST_TEST(last_auction(51) == 3);
}

BOOST_AUTO_TEST_CASE(events_that_share_a_millisecond) {
  EventTimes fast(10'000'000);
  BOOST_TEST(fast.of(0) == kStartMs);
  BOOST_TEST(fast.of(9'999) == kStartMs);
  BOOST_TEST(fast.of(10'000) == kStartMs + 1);
  EventTimes odd(7);
  for (const std::int64_t event : {0, 1, 6, 7, 100, 3}) BOOST_TEST(odd.of(event) == kStartMs + event * 1000 / 7);
}

BOOST_AUTO_TEST_CASE(a_shuffled_group_has_the_same_events) {
  std::set<std::int64_t> events;
  std::int64_t moved = 0;
  for (std::int64_t n = 0; n < 1000; ++n) {
    const std::int64_t event = event_of_row(n, 100);
    BOOST_TEST(event / 100 == n / 100);
    moved += event != n ? 1 : 0;
    events.insert(event);
  }
  BOOST_TEST(events.size() == 1000);
  BOOST_TEST(moved > 900);
}

BOOST_AUTO_TEST_CASE(prices_are_spread_evenly_by_their_logarithm) {
  const Table bids(Kind::kBid);
  for (double decade = 2; decade < 8; ++decade) {
    const auto in_decade = [&](std::size_t row) {
      const double log = std::log10(static_cast<double>(bids.number("price", row)));
      return log >= decade && log < decade + 1;
    };
    check_near(bids.share(in_decade), 1.0 / 6, 0.005);
  }
  BOOST_TEST(bids.share([&](auto row) { return bids.number("price", row) < 100; }) == 0);
  BOOST_TEST(bids.share([&](auto row) { return bids.number("price", row) > 100'000'000; }) == 0);
}

BOOST_AUTO_TEST_CASE(half_of_the_bids_are_on_the_hot_auction_three_quarters_by_the_hot_bidder) {
  const Table bids(Kind::kBid);
  const auto hot_auction = [&](std::size_t row) {
    return bids.number("auction", row) == kFirstId + hot(last_auction(bids.events[row]));
  };
  const auto hot_bidder = [&](std::size_t row) {
    return bids.number("bidder", row) == 2 * kFirstId + hot(last_person(bids.events[row])) + 1;
  };
  check_near(bids.share(hot_auction), 0.5 + 0.5 / 111, 0.005);
  check_near(bids.share(hot_bidder), 0.75, 0.005);
}

BOOST_AUTO_TEST_CASE(bids_are_on_open_auctions_or_some_to_come) {
  const Table bids(Kind::kBid);
  const auto near = [&](std::size_t row) {
    const std::int64_t behind = last_auction(bids.events[row]) - (bids.number("auction", row) - kFirstId);
    return behind >= -kLead && behind <= kOpenAuctions;
  };
  BOOST_TEST(bids.share(near) == 1);
  const auto to_come = [&](std::size_t row) {
    return bids.number("auction", row) - kFirstId > last_auction(bids.events[row]);
  };
  check_near(bids.share(to_come), 0.5 * 10 / 111, 0.005);
}

BOOST_AUTO_TEST_CASE(matching_bidders_are_persons) {
  const Table bids(Kind::kBid, {{"matching-bidders", "true"}});
  const auto known = [&](std::size_t row) {
    return bids.number("bidder", row) - kFirstId <= last_person(bids.events[row]) + kLead;
  };
  BOOST_TEST(bids.share(known) == 1);
}

BOOST_AUTO_TEST_CASE(half_of_the_bids_come_through_four_channels) {
  const Table bids(Kind::kBid);
  const auto other = [&](std::size_t row) { return bids.text("channel", row).starts_with("channel-"); };
  check_near(bids.share(other), 0.5, 0.005);
  const auto with_id = [&](std::size_t row) { return bids.text("url", row).find("&channel_id=") != std::string::npos; };
  check_near(bids.share(with_id), 0.45, 0.01);
  std::map<std::string, std::set<std::string>> urls;
  for (std::size_t row = 0; row < bids.events.size(); ++row)
    urls[bids.text("channel", row)].insert(bids.text("url", row));
  BOOST_TEST(urls.size() == kHotChannels + kChannels);
  for (const auto& [channel, its] : urls) BOOST_TEST(its.size() == 1);
  BOOST_TEST(urls["Apple"].begin()->starts_with("https://www.nexmark.com/"));
}

BOOST_AUTO_TEST_CASE(a_channel_id_is_its_number_with_the_bits_reversed) {
  const TextList urls = channel_urls(1);
  const auto id = [&](std::size_t channel) {
    const std::string url(urls[kHotChannels + channel]);
    const std::size_t at = url.find("channel_id=");
    return at == std::string::npos ? "none" : url.substr(at + 11);
  };
  const std::map<std::size_t, std::string> expected = {
      {0, "0"}, {1, "2147483648"}, {2, "1073741824"}, {3, "1073741824"}};
  for (const auto& [channel, text] : expected) BOOST_TEST((id(channel) == text || id(channel) == "none"));
}

BOOST_AUTO_TEST_CASE(auctions_run_for_a_millisecond_in_the_benchmark_and_longer_at_a_lower_rate) {
  const Table fast(Kind::kAuction);
  BOOST_TEST(fast.share([&](auto row) {
    const auto open = fast.number("expires", row) - fast.number("date_time", row);
    return open == 1000 || open == 2000;
  }) == 1);
  const Table slow(Kind::kAuction, {{"event-rate", "100000"}});
  const double mean = slow.mean([&](auto row) { return slow.number("expires", row) - slow.number("date_time", row); });
  check_near(mean / 1000, 1 + 16.66, 0.7);
}

BOOST_AUTO_TEST_CASE(auctions_have_ids_in_a_row_a_reserve_and_a_category) {
  const Table auctions(Kind::kAuction);
  BOOST_TEST(auctions.share([&](auto row) {
    return auctions.number("id", row) == kFirstId + static_cast<std::int64_t>(row) &&
           auctions.number("reserve", row) > auctions.number("initial_bid", row);
  }) == 1);
  for (std::int64_t category = 10; category < 15; ++category)
    check_near(auctions.share([&](auto row) { return auctions.number("category", row) == category; }), 0.2, 0.02);
  const auto hot_seller = [&](std::size_t row) {
    return auctions.number("seller", row) == kFirstId + hot(last_person(auctions.events[row]));
  };
  check_near(auctions.share(hot_seller), 0.75, 0.02);
}

BOOST_AUTO_TEST_CASE(persons_have_ids_in_a_row_and_texts_of_their_form) {
  const Table persons(Kind::kPerson);
  BOOST_TEST(persons.share([&](auto row) {
    const std::string email = persons.text("email_address", row);
    const std::string card = persons.text("credit_card", row);
    return persons.number("id", row) == kFirstId + static_cast<std::int64_t>(row) && email.ends_with(".com") &&
           email.find('@') < 7 && card.size() == 19 && card[4] == ' ';
  }) == 1);
  std::set<std::string> states;
  std::set<std::string> names;
  for (std::size_t row = 0; row < persons.events.size(); ++row) {
    states.insert(persons.text("state", row));
    names.insert(persons.text("name", row));
  }
  BOOST_TEST(states.size() == 6);
  BOOST_TEST(names.size() == 99);
}

BOOST_AUTO_TEST_CASE(events_have_their_size_on_average) {
  const Table bids(Kind::kBid);
  check_near(bids.mean([&](auto row) { return 32 + bids.text("extra", row).size(); }), 99.5, 0.5);
  const Table persons(Kind::kPerson);
  check_near(persons.mean([&](auto row) {
    std::size_t size = 8;
    for (const char* column : {"name", "email_address", "credit_card", "city", "state", "extra"})
      size += persons.text(column, row).size();
    return size;
  }),
             199.5, 1.5);
  const Table auctions(Kind::kAuction);
  check_near(auctions.mean([&](auto row) {
    return 48 + auctions.text("item_name", row).size() + auctions.text("description", row).size() +
           auctions.text("extra", row).size();
  }),
             499.5, 2);
}

BOOST_AUTO_TEST_CASE(texts_have_one_blank_in_thirteen) {
  std::size_t blanks = 0;
  std::size_t all = 0;
  std::size_t longest = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    RandomRun random(mixed(i));
    ShortText text;
    add_random(random, 20, ' ', text);
    const std::string_view view = text;
    BOOST_TEST_REQUIRE(view.size() >= 3);
    longest = std::max(longest, view.size());
    blanks += static_cast<std::size_t>(std::ranges::count(view, ' '));
    all += view.size();
  }
  BOOST_TEST(longest == 19);
  check_near(static_cast<double>(blanks) / static_cast<double>(all), 1.0 / 13, 0.003);
}

BOOST_AUTO_TEST_SUITE_END()
