#include "snapshot/state_store.h"

#include <algorithm>

#include "snapshot/restore.h"
#include "transport/base/check.h"

namespace stream {

StateStore::StateStore(StoreOptions options) : options_(options) {}
StateStore::~StateStore() = default;

StateTable& StateStore::table(const TableSpec& spec) {
  STREAM_CHECK(!is_outbox(spec));
  Open& open = tables_[spec.name];
  if (!open.spec) {
    open.spec = std::make_shared<const TableSpec>(spec);
    open.layout = std::make_shared<const RowLayout>(spec);
    open.table = std::make_unique<StateTable>(spec, options_.track_changes);
    open.table->changes().begin_at(generation_);
  }
  STREAM_CHECK(*open.spec == spec);
  return *open.table;
}

Outbox& StateStore::outbox(const TableSpec& spec) {
  STREAM_CHECK(is_outbox(spec));
  Open& open = tables_[spec.name];
  if (!open.spec) {
    open.spec = std::make_shared<const TableSpec>(spec);
    open.outbox = std::make_unique<Outbox>(spec, options_.instance, options_.track_changes);
    open.outbox->begin_at(generation_);
  }
  STREAM_CHECK(*open.spec == spec);
  return *open.outbox;
}

std::vector<TableSpec> StateStore::specs() const {
  std::vector<TableSpec> list;
  for (const auto& [name, open] : tables_) list.push_back(*open.spec);
  return list;
}

std::size_t StateStore::rows() const {
  std::size_t rows = 0;
  for (const auto& [name, open] : tables_) rows += open.table ? open.table->rows() : open.outbox->rows();
  return rows;
}

std::size_t StateStore::size_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, open] : tables_) {
    bytes += open.table ? open.table->size_bytes() : open.outbox->size_bytes();
  }
  return bytes;
}

// Every kept table has to have its place.
Status StateStore::check_taken(const RestoreReader& reader) const {
  for (const TableSpec& kept : reader.tables()) {
    if (reader.dropped(kept)) continue;
    const auto taker = std::ranges::find_if(tables_, [&](const auto& one) {
      const TableSpec* source = reader.kept_for(one.first);
      return source != nullptr && source->name == kept.name;
    });
    if (taker == tables_.end()) {
      return usage_error("the snapshot holds state table '" + kept.name + "', which the stage does not have");
    }
    const Open& open = taker->second;
    if (is_outbox(kept) != (open.outbox != nullptr)) {
      return usage_error("the snapshot does not fit state table '" + kept.name + "': it is distributed otherwise");
    }
    STREAM_TRY(fit_status(reader.fit(kept, *open.spec), *open.spec));
  }
  return {};
}

Status StateStore::restore(const RestoreSource& source, const RowLanguage* language) {
  const RestoreTarget target{options_.instance, options_.parallelism, options_.key_groups, language};
  STREAM_ASSIGN(const auto reader, RestoreReader::open(source, target));
  STREAM_TRY(check_taken(*reader));
  for (auto& [name, open] : tables_) {
    STREAM_CHECK((open.table ? open.table->rows() : open.outbox->rows()) == 0);
    STREAM_TRY(open.outbox ? reader->load(*open.outbox) : reader->load(reader->groups_of(*open.spec), *open.table));
  }
  completed_ = captured_ = source.epoch;
  return {};
}

TableCapture StateStore::capture_table(Open& open) const {
  TableCapture capture{open.spec, open.layout, {}, false, {}, {}, {}, {}};
  if (open.outbox) {
    Outbox::Change change = open.outbox->capture(completed_generation_);
    capture.before = change.before;
    capture.batches = std::move(change.batches);
    return capture;
  }
  Changes& changes = open.table->changes();
  const RowLayout& layout = *open.layout;
  if (open.spec->append_only) {
    capture.references = open.table->refer(completed_generation_);
  } else {
    capture.rows.reserve(layout, changes.dirty_bound(), false);
    changes.capture(completed_generation_, [&](Row row) {
      RowLayout::set_captured(row);
      capture.rows.append(layout, row, false);
    });
  }
  capture.before = changes.before(completed_generation_);
  capture.cleared = changes.cleared_since(completed_generation_);
  capture.tombstones = changes.tombstones(completed_generation_);
  return capture;
}

Capture StateStore::capture(Epoch epoch) {
  STREAM_CHECK(options_.track_changes && epoch > captured_);
  Capture capture{epoch, completed_, {}};
  for (auto& [name, open] : tables_) capture.tables.push_back(capture_table(open));
  generations_[epoch] = generation_++;
  captured_ = epoch;
  return capture;
}

void StateStore::completed(Epoch epoch) {
  const auto found = generations_.find(epoch);
  if (found == generations_.end()) return;
  completed_ = epoch;
  completed_generation_ = found->second;
  generations_.erase(generations_.begin(), std::next(found));
}

}  // namespace stream
