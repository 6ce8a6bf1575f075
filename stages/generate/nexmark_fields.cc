#include "stages/generate/nexmark_fields.h"

#include <algorithm>
#include <cmath>

namespace stream::nexmark {

Prices::Prices() {
  constexpr double kRatio = 1.0135831333340658;  // 10 to the power of 6 / kSteps
  double price = 100;
  for (double& entry : table_) {
    entry = price;
    price *= kRatio;
  }
}

const TextList& Model::channels() {
  if (channels_.empty()) channels_ = channel_names();
  return channels_;
}

const TextList& Model::urls() {
  if (urls_.empty()) urls_ = channel_urls(settings_.seed);
  return urls_;
}

const Filler& Model::filler() {
  if (!filler_) filler_.emplace(settings_.seed);
  return *filler_;
}

std::span<const FieldMaker> fields_of(Kind kind) {
  switch (kind) {
    case Kind::kPerson: return person_fields();
    case Kind::kAuction: return auction_fields();
    case Kind::kBid: break;
  }
  return bid_fields();
}

const FieldMaker* find_field(Kind kind, std::string_view name) {
  const std::span<const FieldMaker> fields = fields_of(kind);
  const auto at = std::ranges::find(fields, name, &FieldMaker::name);
  return at == fields.end() ? nullptr : &*at;
}

Column make_date_time(Model& model, Events events) {
  EventTimes times = model.times();
  return numbers(kTimestamp, events, [&](std::int64_t event) { return times.of(event) * 1000; });
}

}  // namespace stream::nexmark
