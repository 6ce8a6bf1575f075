// The columns of Nexmark's events: names, types, and how the values of many events are made at once.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stages/generate/nexmark_model.h"
#include "stages/generate/nexmark_text.h"
#include "transport/record/column.h"

namespace stream::nexmark {

using Events = std::span<const std::int64_t>;

// What columns are made from; what takes time or room to prepare is, once a column asks for it.
class Model {
 public:
  explicit Model(const Settings& settings) : settings_(settings) {}

  const Settings& settings() const { return settings_; }
  Series series(Draw draw) const { return {settings_.seed, draw}; }
  EventTimes times() const { return EventTimes(settings_.events_a_second); }
  const Prices& prices() const { return prices_; }
  const TextList& channels();
  const TextList& urls();
  const Filler& filler();

 private:
  Settings settings_;
  Prices prices_;
  TextList channels_;
  TextList urls_;
  std::optional<Filler> filler_;
};

struct FieldMaker {
  std::string_view name;
  Type type;
  Column (*make)(Model& model, Events events);  // events of the field's kind
};

std::span<const FieldMaker> person_fields();
std::span<const FieldMaker> auction_fields();
std::span<const FieldMaker> bid_fields();
std::span<const FieldMaker> fields_of(Kind kind);
const FieldMaker* find_field(Kind kind, std::string_view name);  // null: the kind has none of this name

// --- how the makers are written
template <class F>
Column numbers(Type type, Events events, F value) {
  ByteBuilder bytes;
  auto* out = reinterpret_cast<std::int64_t*>(bytes.extend(events.size() * 8));
  for (std::size_t i = 0; i < events.size(); ++i) out[i] = value(events[i]);
  return {type, events.size(), {}, bytes.finish()};
}

template <class F>
Column texts(Events events, F value) {
  ByteBuilder bytes;
  ByteBuilder offsets((events.size() + 1) * sizeof(std::int32_t));
  offsets.append_value(std::int32_t{0});
  for (const std::int64_t event : events) {
    const auto text = value(event);
    const std::string_view view = text;
    bytes.append(view.data(), view.size());
    offsets.append_value(static_cast<std::int32_t>(bytes.size()));
  }
  return {kVarchar, events.size(), {}, bytes.finish(), offsets.finish()};
}

Column make_date_time(Model& model, Events events);

}  // namespace stream::nexmark
