#include "stages/aggregate/session.h"

#include <algorithm>
#include <numeric>

#include "snapshot/state_store.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kFireRows = 4096;

Column ones(std::size_t rows) {
  ColumnBuilder one(kBoolean, 1);
  one.append(std::uint8_t{1});
  return repeat_column(one.finish(), rows);
}

}  // namespace

SessionAggregate::SessionAggregate(AggregateDesign design, const Context& context, SchemaPtr output, SchemaPtr late)
    : AggregateOperator(std::move(design), context, std::move(late)), finder_(design_, table_) {
  if (output) results_.emplace(design_, table_, distinct_, std::move(output));
}

Microseconds SessionAggregate::end_of(Row session) const {
  return table_.get<std::int64_t>(session, design_.session.last) + design_.window->size;
}

// --- input --------------------------------------------------------------------------------------

Status SessionAggregate::drop_bad_times(Batch* batch, Emitter& out) {
  const Column& time = batch->columns[design_.time];
  std::vector<std::uint32_t> bad;
  std::vector<std::uint32_t> good;
  for (std::uint32_t i = 0; i < batch->rows; ++i) {
    const bool usable = time.valid(i) && TumbleWindows::in_range(time.value<std::int64_t>(i));
    (usable ? good : bad).push_back(i);
  }
  if (bad.empty()) return {};
  STREAM_TRY(report_bad_times(*batch, bad, out));
  *batch = batch->take(good);
  return {};
}

// A row whose gap is over at the watermark is late, unless it belongs to a session that is open. As rows before
// it may have opened one, it is added alone.
Status SessionAggregate::on_rows(Batch batch, Emitter& out) {
  STREAM_TRY(drop_bad_times(&batch, out));
  const Column times = batch.columns[design_.time];
  const Work work{std::move(batch), times};
  std::vector<std::uint32_t> part;
  const auto add_part = [&]() {
    const std::vector<std::uint32_t> rows = std::exchange(part, {});
    if (rows.empty()) return Status();
    return rows.size() == work.batch.rows ? apply(work, out) : apply(take(work, rows), out);
  };
  for (std::uint32_t i = 0; i < work.batch.rows; ++i) {
    if (times.value<std::int64_t>(i) + design_.window->size > watermark_) {
      part.push_back(i);
      continue;
    }
    STREAM_TRY(add_part());
    STREAM_TRY(add_or_late(take(work, {&i, 1}), out));
  }
  return add_part();
}

Status SessionAggregate::add_or_late(const Work& row, Emitter& out) {
  find_sessions(row);
  const std::uint32_t all[] = {0};
  return finder_.sessions()[0].row ? apply(row, out) : emit_late(row.batch, all, out);
}

void SessionAggregate::find_sessions(const Work& work) {
  keys_ = {nullptr, work.batch.rows, {}, {}};
  for (const std::size_t column : design_.by) keys_.columns.push_back(work.batch.columns[column]);
  if (design_.by.empty()) keys_.columns.push_back(ones(work.batch.rows));
  finder_.find(keys_, work.starts.values<std::int64_t>());
}

Result<bool> SessionAggregate::add(const Work& work, Emitter& /*out*/) {
  find_sessions(work);
  make_sessions();
  assign_rows();
  if (!accumulators_.add(work.batch, {rows_, inserted_, &keys_})) {
    erase_made();
    return false;
  }
  merge_absorbed();
  keep_extents();
  return true;
}

// A session is known by the time of its first row, of those that came when it began.
void SessionAggregate::make_sessions() {
  std::vector<Session>& sessions = finder_.sessions();
  made_.clear();
  std::vector<std::uint32_t> first;
  ColumnBuilder starts(kTimestamp, sessions.size());
  for (std::uint32_t s = 0; s < sessions.size(); ++s) {
    if (sessions[s].row) continue;
    made_.push_back(s);
    first.push_back(sessions[s].first);
    starts.append(sessions[s].start);
  }
  if (made_.empty()) return;
  Batch keys = keys_.take(first);
  keys.columns.push_back(starts.finish());
  std::vector<Row> rows(made_.size());
  hashes_.resize(made_.size());
  hash_keys(keys, key_columns_, hashes_);
  table_.upsert(keys, key_columns_, hashes_, rows, {});
  for (std::size_t i = 0; i < made_.size(); ++i) sessions[made_[i]].row = rows[i];
}

void SessionAggregate::erase_made() {
  for (const std::uint32_t s : made_) table_.erase(finder_.sessions()[s].row);
}

void SessionAggregate::assign_rows() {
  const std::vector<Session>& sessions = finder_.sessions();
  rows_.resize(keys_.rows);
  inserted_.assign(keys_.rows, 0);
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i] = sessions[finder_.session_of()[i]].row;
  for (const std::uint32_t s : made_) inserted_[sessions[s].first] = 1;
  for (const Session& session : sessions) table_.touch(session.row);
  if (!distinct_.empty()) keys_.columns.push_back(table_.gather(rows_, design_.session.key));
}

void SessionAggregate::keep_extents() {
  for (const Session& session : finder_.sessions()) {
    table_.set(session.row, design_.session.start, session.start);
    table_.set(session.row, design_.session.last, session.last);
    // Looked at again when it was due: setting it with every row would move it in the order of time.
    if (table_.is_null(session.row, design_.session.due))
      table_.set(session.row, design_.session.due, session.last + design_.window->size);
  }
}

// --- sessions that have become one --------------------------------------------------------------

void SessionAggregate::merge_absorbed() {
  if (finder_.absorbed().empty()) return;
  std::vector<Row> from;
  std::vector<Row> into;
  for (const SessionFinder::Absorbed& absorbed : finder_.absorbed()) {
    from.push_back(absorbed.row);
    into.push_back(finder_.sessions()[absorbed.into].row);
  }
  accumulators_.merge({table_, design_, from}, into);
  for (std::size_t i = 0; i < design_.calls.size(); ++i) {
    if (design_.merges_values(i)) merge_values(i);
  }
  erase_values(from);
  for (const Row row : from) table_.erase(row);
}

void SessionAggregate::merge_values(std::size_t call) {
  const StateTable& table = *distinct_[design_.calls[call].distinct];
  std::vector<Row> values;
  std::vector<Row> into;
  for (const SessionFinder::Absorbed& absorbed : finder_.absorbed()) {
    for (const Row row : values_of_group(design_, table_, absorbed.row, table)) {
      values.push_back(row);
      into.push_back(finder_.sessions()[absorbed.into].row);
    }
  }
  Batch batch{nullptr, values.size(), {}, {}};
  for (std::size_t c = 0; c < design_.table.key.size(); ++c) batch.columns.push_back(table_.gather(into, c));
  for (std::size_t c = design_.group_columns(); c < table.spec().columns(); ++c)
    batch.columns.push_back(table.gather(values, c));
  accumulators_.merge_values(call, batch, into);
}

void SessionAggregate::erase_values(std::span<const Row> sessions) {
  for (StateTable* table : distinct_) {
    for (const Row session : sessions) {
      for (const Row row : values_of_group(design_, table_, session, *table)) table->erase(row);
    }
  }
}

// --- firing -------------------------------------------------------------------------------------

Status SessionAggregate::on_watermark(Microseconds watermark, Emitter& out) {
  if (watermark <= watermark_) return {};
  watermark_ = watermark;
  cursor_ = {};
  firing_ = true;
  return fire_some(out);
}

Status SessionAggregate::fire_some(Emitter& out) {
  const Microseconds until = watermark_ == kEndOfTime ? watermark_ : watermark_ + 1;
  std::vector<Row> rows;
  while (firing_ && !out.full()) {
    rows.resize(kFireRows);
    const std::size_t count = table_.scan_before(cursor_, until, rows);
    firing_ = count == kFireRows;
    rows.resize(count);
    std::erase_if(rows, [&](Row row) {
      if (end_of(row) <= watermark_) return false;
      table_.set(row, design_.session.due, end_of(row));
      return true;
    });
    erase_values(rows);
    if (results_) STREAM_TRY(emit_groups(*results_, rows, out));
  }
  if (!firing_) table_.erase_before(until);
  return {};
}

// Sessions that have ended are gone.
Status SessionAggregate::emit_open(OpenGroups& open, Emitter& out) {
  std::vector<Row> sessions(kFireRows);
  sessions.resize(table_.scan(open.rows, sessions));
  open.done = sessions.size() < kFireRows;
  return emit_groups(*results_, sessions, out);
}

}  // namespace stream
