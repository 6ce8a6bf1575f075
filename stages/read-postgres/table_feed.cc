#include "stages/read-postgres/table_feed.h"

#include <algorithm>

#include "stages/kit/row_text.h"
#include "stages/kit/state_names.h"

namespace stream {
namespace {

constexpr std::size_t kEraseAtOnce = 4096;

SchemaPtr schema_of(const TableFacts& facts) {
  return std::make_shared<const Schema>(Schema{facts.columns, std::nullopt, facts.key});
}

std::vector<std::size_t> every_column(const Batch& batch) {
  std::vector<std::size_t> all(batch.columns.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

}  // namespace

TableSpec TableFeed::rows_spec(const TableFacts& facts) {
  TableSpec spec;
  spec.name = "rows_" + state_table_name(facts.output);
  spec.distribution = Distribution::kSplit;
  StateColumnNames names;
  for (const std::size_t column : facts.key) {
    spec.key.push_back({names.add(facts.columns[column].name), facts.columns[column].type});
  }
  for (std::size_t i = 0; i < facts.columns.size(); ++i) {
    if (std::ranges::find(facts.key, i) != facts.key.end()) continue;
    spec.value.push_back({names.add(facts.columns[i].name), facts.columns[i].type});
  }
  spec.value.push_back({names.add("pass"), kBigint});
  return spec;
}

TableFeed::TableFeed(StateStore& store, TableFacts facts, std::vector<Port> ports)
    : facts_(std::move(facts)),
      reader_(schema_of(facts_)),
      rows_(store.table(rows_spec(facts_))),
      state_column_(facts_.columns.size()),
      pass_column_(facts_.columns.size()) {
  std::size_t next = facts_.key.size();
  for (std::size_t i = 0; i < facts_.columns.size(); ++i) {
    const auto at = std::ranges::find(facts_.key, i);
    state_column_[i] = at != facts_.key.end() ? static_cast<std::size_t>(at - facts_.key.begin()) : next++;
  }
  for (Port& port : ports) {
    OpenPort open{port, {}, BatchBuilder(port.schema)};
    for (const Field& field : port.schema->fields) open.columns.push_back(*reader_.schema()->find(field.name));
    ports_.push_back(std::move(open));
  }
}

void TableFeed::follow() {
  kept_ = !facts_.full;
  if (!kept_) rows_.clear();
}

Row TableFeed::find(const Batch& row) const {
  std::uint64_t hash = 0;
  Row found;
  hash_keys(row, facts_.key, {&hash, 1});
  rows_.find(row, facts_.key, {&hash, 1}, {&found, 1});
  return found;
}

void TableFeed::store(Row row, const ReadRow& from) {
  for (std::size_t i = 0; i < facts_.columns.size(); ++i) {
    const bool sent = std::ranges::find(from.unchanged, i) == from.unchanged.end();
    if (state_column_[i] >= facts_.key.size() && sent) rows_.set_from(row, state_column_[i], from.row.columns[i], 0);
  }
}

void TableFeed::fill_unchanged(ReadRow& row, Row from) const {
  for (const std::size_t column : row.unchanged)
    row.row.columns[column] = rows_.gather({&from, 1}, state_column_[column]);
  row.unchanged.clear();
}

bool TableFeed::equal(Row known, const Batch& row) const {
  Batch kept{row.schema, 1, {}, {}};
  for (const std::size_t column : state_column_) kept.columns.push_back(rows_.gather({&known, 1}, column));
  std::string a;
  std::string b;
  append_key(kept, every_column(kept), 0, a);
  append_key(row, every_column(row), 0, b);
  return a == b;
}

void TableFeed::emit(RowKind kind, Row row) {
  for (OpenPort& open : ports_) {
    for (std::size_t i = 0; i < open.columns.size(); ++i) {
      rows_.append_to(row, state_column_[open.columns[i]], open.batch.column(i));
    }
    open.batch.end_row(kind);
  }
}

void TableFeed::emit(RowKind kind, const Batch& row) {
  for (OpenPort& open : ports_) {
    for (std::size_t i = 0; i < open.columns.size(); ++i)
      open.batch.column(i).append_from(row.columns[open.columns[i]], 0);
    open.batch.end_row(kind);
  }
}

// The row under the key of `after`, known or not, becomes `after`.
Status TableFeed::change(Row known, const ReadRow& after) {
  if (known) {
    emit(RowKind::kUpdateBefore, known);
    store(known, after);
    emit(RowKind::kUpdateAfter, known);
    return {};
  }
  std::uint64_t hash = 0;
  Row row;
  hash_keys(after.row, facts_.key, {&hash, 1});
  rows_.upsert(after.row, facts_.key, {&hash, 1}, {&row, 1}, {});
  // What was not sent, and is not known as the row was not, has no value.
  for (const std::size_t column : after.unchanged) rows_.set_null(row, state_column_[column]);
  store(row, after);
  emit(RowKind::kInsert, row);
  return {};
}

Status TableFeed::report(const ReadRow& row, const std::string& place, Emitter& out) const {
  return out.bad_record({row.wrong, place, row_text(row.row, 0)});
}

Status TableFeed::read(const PgTuple& row, std::int64_t pass, Emitter& out) {
  const ReadRow read = reader_.read(row);
  if (!read.wrong.empty()) return report(read, facts_.table, out);
  const Row known = find(read.row);
  if (!known || !equal(known, read.row)) STREAM_TRY(change(known, read));
  rows_.set(known ? known : find(read.row), pass_column_, pass);
  return flush_full(out);
}

Result<bool> TableFeed::erase_some(std::optional<std::int64_t> pass, Emitter& out) {
  std::vector<Row> gone;
  TableCursor cursor;
  Row row;
  while (gone.size() < kEraseAtOnce && rows_.scan(cursor, {&row, 1}) == 1) {
    if (!pass || rows_.get<std::int64_t>(row, pass_column_) != *pass) gone.push_back(row);
  }
  for (const Row old : gone) {
    emit(RowKind::kDelete, old);
    rows_.erase(old);
  }
  STREAM_TRY(flush(out));
  return gone.size() == kEraseAtOnce;
}

Result<bool> TableFeed::sweep(std::int64_t pass, Emitter& out) { return erase_some(pass, out); }

Result<bool> TableFeed::truncate(Emitter& out) {
  if (kept_) return erase_some(std::nullopt, out);
  return usage_error("table '" + facts_.table +
                     "' has been truncated, and under REPLICA IDENTITY FULL its rows are not known here; start anew "
                     "with --fresh");
}

Status TableFeed::insert(const PgTuple& after, const std::string& place, Emitter& out) {
  const ReadRow row = reader_.read(after);
  if (!row.wrong.empty()) return report(row, place, out);
  if (kept_) {
    STREAM_TRY(change(find(row.row), row));
  } else {
    emit(RowKind::kInsert, row.row);
  }
  return flush_full(out);
}

Status TableFeed::update(const std::optional<PgTuple>& before, const PgTuple& after, const std::string& place,
                         Emitter& out) {
  ReadRow row = reader_.read(after);
  if (!row.wrong.empty()) STREAM_TRY(report(row, place, out));
  if (!kept_ && !before) {
    return usage_error("table '" + facts_.table +
                       "' no longer has REPLICA IDENTITY FULL; set it again and start anew with --fresh");
  }
  if (kept_) {
    const Batch old = before ? reader_.read(*before).row : row.row;
    STREAM_TRY(replace_kept(old, std::move(row)));
  } else {
    STREAM_TRY(replace_sent(reader_.read(*before), std::move(row)));
  }
  return flush_full(out);
}

// A change of the key is a deletion and an insertion: who goes by the key would not see the pair together.
Status TableFeed::replace_kept(const Batch& before, ReadRow after) {
  const Row old = find(before);
  const bool good = after.wrong.empty();
  if (good && old && old == find(after.row)) return change(old, after);
  if (old) {
    fill_unchanged(after, old);
    emit(RowKind::kDelete, old);
    rows_.erase(old);
  }
  return good ? change(find(after.row), after) : Status();
}

Status TableFeed::replace_sent(const ReadRow& before, ReadRow after) {
  for (const std::size_t column : after.unchanged) after.row.columns[column] = before.row.columns[column];
  std::string old_key;
  std::string new_key;
  append_key(before.row, facts_.key, 0, old_key);
  append_key(after.row, facts_.key, 0, new_key);
  const bool pair = before.wrong.empty() && after.wrong.empty() && old_key == new_key;
  if (before.wrong.empty()) emit(pair ? RowKind::kUpdateBefore : RowKind::kDelete, before.row);
  if (after.wrong.empty()) emit(pair ? RowKind::kUpdateAfter : RowKind::kInsert, after.row);
  return {};
}

Status TableFeed::erase(const PgTuple& before, const std::string& /*place*/, Emitter& out) {
  const ReadRow row = reader_.read(before);
  if (!kept_) {
    if (row.wrong.empty()) emit(RowKind::kDelete, row.row);
  } else if (const Row known = find(row.row)) {
    emit(RowKind::kDelete, known);
    rows_.erase(known);
  }
  return flush_full(out);
}

Status TableFeed::flush_full(Emitter& out) {
  const bool full = std::ranges::any_of(ports_, [](const OpenPort& open) { return open.batch.full(); });
  return full ? flush(out) : Status();
}

Status TableFeed::flush(Emitter& out) {
  for (OpenPort& open : ports_) {
    if (open.batch.rows() > 0) STREAM_TRY(out.emit(open.batch.finish(), open.port.output));
  }
  return {};
}

}  // namespace stream
