#include "compare/result_comparison.h"

#include "transport/base/clock.h"

namespace stream {
namespace {

constexpr std::size_t kRowsInTurn = 1000;  // of a side, so that rows that both have cancel out soon

// Fills in what is not known.
Status look_at(ResultPair& pair) {
  for (ResultPlace& place : pair.places) {
    if (place.columns) continue;
    STREAM_ASSIGN(FirstRows first, look_at_rows(place.path, place.form, place.table));
    place.columns = std::move(first.columns);
    pair.options.reals.merge(first.reals);
  }
  return {};
}

}  // namespace

ResultComparison::ResultComparison(ResultPair pair, const std::string& scratch, std::uint64_t bytes_max)
    : pair_(std::move(pair)), diff_(pair_.options, scratch, bytes_max) {}

Result<std::unique_ptr<ResultComparison>> ResultComparison::start(ResultPair pair, const std::string& scratch,
                                                                  std::uint64_t bytes_max) {
  // CSV knows no types, and SQLite fewer than JSON.
  const bool csv = pair.places[0].form == ResultForm::kCsv || pair.places[1].form == ResultForm::kCsv;
  pair.options.loose = csv || pair.places[0].form != pair.places[1].form;
  STREAM_TRY(look_at(pair));
  std::unique_ptr<ResultComparison> comparison(new ResultComparison(std::move(pair), scratch, bytes_max));
  STREAM_TRY(comparison->open());
  return comparison;
}

Status ResultComparison::open() {
  std::array<std::vector<std::string>, 2> columns;
  for (const Side side : kSides) {
    const ResultPlace& place = pair_.places[index_of(side)];
    columns[index_of(side)] = *place.columns;
    auto& reader = readers_[index_of(side)];
    if (place.form == ResultForm::kSqlite) {
      STREAM_ASSIGN(reader, read_table(place.path, place.table));
    } else {
      STREAM_ASSIGN(reader, read_rows(place.path, place.form, place.growing));
    }
  }
  return diff_.announce(std::move(columns));
}

Result<bool> ResultComparison::read_on(Microseconds time) {
  const Microseconds until = system_clock().monotonic_us() + time;
  for (bool more = true; more;) {
    more = false;
    for (const Side side : kSides) {
      STREAM_ASSIGN(const bool side_more, read_some(side));
      more = more || side_more;
    }
    if (more && time > 0 && system_clock().monotonic_us() > until) return true;
  }
  return false;
}

// True if there may be more.
Result<bool> ResultComparison::read_some(Side side) {
  ResultReader& reader = *readers_[index_of(side)];
  for (std::size_t i = 0; i < kRowsInTurn; ++i) {
    STREAM_ASSIGN(const bool found, reader.next());
    if (!found) return false;
    STREAM_TRY(diff_.add(side, reader.columns(), reader.values(), reader.times()));
  }
  return true;
}

}  // namespace stream
