#include "stages/generate/nexmark_fields.h"

namespace stream::nexmark {
namespace {

constexpr std::int64_t kAverageSize = 200;
constexpr std::string_view kFirstNames[] = {"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                            "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
constexpr std::string_view kLastNames[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                           "Walton", "Smith",  "Jones",   "Noris"};
constexpr std::string_view kCities[] = {"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
                                        "Bend",    "Redmond",     "Seattle",       "Kent",  "Cheyenne"};
constexpr std::string_view kStates[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
constexpr std::size_t kCardLength = 19;

template <std::size_t N>
std::string_view pick(const std::string_view (&from)[N], std::uint64_t random) {
  return from[static_cast<std::size_t>(below(random, N))];
}

ShortText name_of(std::uint64_t random) {
  ShortText name;
  name.add(pick(kFirstNames, random));
  name.add(' ');
  name.add(pick(kLastNames, mixed(random)));
  return name;
}

ShortText email_of(std::uint64_t random) {
  ShortText email;
  email.add(random_text(random, 7));
  email.add('@');
  email.add(random_text(mixed(random), 5));
  email.add(".com");
  return email;
}

ShortText card_of(std::uint64_t start) {
  RandomRun random(start);
  ShortText card;
  for (int group = 0; group < 4; ++group) {
    if (group > 0) card.add(' ');
    card.add_number(below(random.next(), 10'000), 4);
  }
  return card;
}

Column make_id(Model&, Events events) {
  return numbers(kBigint, events, [](std::int64_t event) { return kFirstId + last_person(event); });
}

Column make_name(Model& model, Events events) {
  return texts(events, [series = model.series(Draw::kName)](auto event) { return name_of(series.of(event)); });
}

Column make_email(Model& model, Events events) {
  return texts(events, [series = model.series(Draw::kEmail)](auto event) { return email_of(series.of(event)); });
}

Column make_card(Model& model, Events events) {
  return texts(events, [series = model.series(Draw::kCard)](auto event) { return card_of(series.of(event)); });
}

Column make_city(Model& model, Events events) {
  return texts(events, [series = model.series(Draw::kCity)](auto event) { return pick(kCities, series.of(event)); });
}

Column make_state(Model& model, Events events) {
  return texts(events, [series = model.series(Draw::kState)](auto event) { return pick(kStates, series.of(event)); });
}

Column make_extra(Model& model, Events events) {
  const Filler& filler = model.filler();
  const Series names = model.series(Draw::kName);
  const Series emails = model.series(Draw::kEmail);
  const Series cities = model.series(Draw::kCity);
  const Series states = model.series(Draw::kState);
  const Series extras = model.series(Draw::kExtra);
  return texts(events, [&](std::int64_t event) {
    const std::size_t size = 8 + name_of(names.of(event)).size() + email_of(emails.of(event)).size() + kCardLength +
                             pick(kCities, cities.of(event)).size() + pick(kStates, states.of(event)).size();
    return filler.of(extras.of(event), static_cast<std::int64_t>(size), kAverageSize);
  });
}

constexpr FieldMaker kFields[] = {
    {"id", kBigint, make_id},
    {"name", kVarchar, make_name},
    {"email_address", kVarchar, make_email},
    {"credit_card", kVarchar, make_card},
    {"city", kVarchar, make_city},
    {"state", kVarchar, make_state},
    {"date_time", kTimestamp, make_date_time},
    {"extra", kVarchar, make_extra},
};

}  // namespace

std::span<const FieldMaker> person_fields() { return kFields; }

}  // namespace stream::nexmark
