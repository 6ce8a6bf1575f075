// Taking kept rows up otherwise than they were kept.
#include <algorithm>

#include "snapshot/restore.h"

namespace stream {
namespace {

constexpr std::uint64_t kConvertedBytes = 16 << 20;  // held, as they were, while they are converted

}  // namespace

const TableSpec* RestoreReader::kept_for(const std::string& wanted) const {
  const std::string name = evolution_.kept_name(wanted);
  const auto found = std::ranges::find(tables_, name, &TableSpec::name);
  return found == tables_.end() || dropped(*found) ? nullptr : &*found;
}

bool RestoreReader::dropped(const TableSpec& kept) const {
  const TableEvolution* table = evolution_.find(kept.name);
  return (evolution_.drop && !is_outbox(kept)) || (table != nullptr && table->drop);
}

TableEvolution RestoreReader::evolution_of(const TableSpec& kept) const {
  const TableEvolution* table = evolution_.find(kept.name);
  return table == nullptr ? TableEvolution() : *table;
}

TableFit RestoreReader::fit(const TableSpec& kept, const TableSpec& wanted) const {
  return fit_table(kept, wanted, evolution_of(kept), target_.language);
}

// Piece by piece, and only what is left of each row when all files have been read: a row that was replaced or erased
// is no more, and need not be convertible.
Status RestoreReader::load_converted(const TableFit& fit, KeyGroupRange groups, const TableSpec& kept,
                                     StateTable& table) {
  const std::vector<Instance*> from = contributors(table.spec());
  STREAM_ASSIGN(const auto pieces, cut(table.spec(), groups, kConvertedBytes));
  for (const KeyGroupRange piece : pieces) {
    STREAM_TRY(load_apart(from, piece, kept, [&](const Batch& rows) -> Status {
      auto fitted = fitted_rows(fit, table.spec(), rows);
      if (!fitted.ok()) { return usage_error("state table '" + table.spec().name + "': " + fitted.status().what()); }
      table.load(*fitted);
      return {};
    }));
  }
  return {};
}

Status try_conversions(const RestoreSource& source, RestoreTarget target, const std::vector<TableSpec>& wanted) {
  STREAM_ASSIGN(const auto reader, RestoreReader::open(source, target));
  for (const TableSpec& spec : wanted) {
    const TableSpec* kept = reader->kept_for(spec.name);
    if (kept == nullptr || is_outbox(spec) || !reader->fit(*kept, spec).may_fail()) continue;
    STREAM_ASSIGN(const auto pieces, reader->cut(spec, reader->groups_of(spec), kConvertedBytes));
    for (const KeyGroupRange piece : pieces) {
      StateTable passing(without_paths(spec), false);
      STREAM_TRY(reader->load(piece, passing));
    }
  }
  return {};
}

}  // namespace stream
