#include "stages/top-n/top_n.h"

#include <algorithm>
#include <numeric>

#include "snapshot/state_store.h"
#include "stages/kit/late_rows.h"
#include "transport/record/key.h"

namespace stream {
namespace {

std::vector<std::size_t> count_up(std::size_t count) {
  std::vector<std::size_t> out(count);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

Column numbers(std::int64_t first, std::size_t count) {
  ByteBuilder bytes;
  auto* out = reinterpret_cast<std::int64_t*>(bytes.extend(count * sizeof(std::int64_t)));
  std::iota(out, out + count, first);
  return {kBigint, count, {}, bytes.finish()};
}

Column all_true(std::size_t count) {
  ByteBuilder bytes;
  std::fill_n(bytes.extend(count), count, 1);
  return {kBoolean, count, {}, bytes.finish()};
}

}  // namespace

Result<std::unique_ptr<Operator>> TopN::make(Context& context) {
  PlanError error;
  auto design = design_top_n(context.options, *context.inputs[0], context.stage, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  const SchemaPtr late = context.outputs.size() > kLateOutput ? context.outputs[kLateOutput] : nullptr;
  return std::unique_ptr<Operator>(std::make_unique<TopN>(*std::move(design), context, context.outputs[0], late));
}

TopN::TopN(TopNDesign design, const Context& context, SchemaPtr output, SchemaPtr late)
    : design_(std::move(design)),
      table_(context.state.table(design_.table)),
      output_(std::move(output)),
      late_(std::move(late)),
      clock_(context.clock),
      by_(design_.by) {
  if (design_.ttl) {
    ages_ = &context.state.table(design_.ages);
    idle_.emplace(*design_.ttl, *ages_);
  }
  if (by_.empty()) by_.push_back(design_.input.fields.size());
}

Status TopN::on_restored() {
  table_.for_each(
      [&](Row row) { next_arrival_ = std::max(next_arrival_, table_.get<std::int64_t>(row, design_.arrival) + 1); });
  if (idle_) find_ages();
  return {};
}

Status TopN::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  if (design_.windows) STREAM_TRY(drop_late(batch, *design_.input.time, watermark_, late_, kLateOutput, out));
  return idle_ ? split_by_touch(std::move(batch), out) : rank(std::move(batch), out);
}

Status TopN::rank(Batch batch, Emitter& out) {
  if (batch.rows == 0) return {};
  batch_ = std::move(batch);
  if (design_.by.empty()) batch_.columns.push_back(all_true(batch_.rows));
  look_up();
  for (std::uint32_t group = 0; group < groups_.count(); ++group) rank_group(group);
  if (idle_ && unknown_ != 0) out.late_records(unknown_, kLateOutput);
  unknown_ = 0;
  const Status emitted = design_.retracts ? replace(out) : append(out);
  added_.clear();
  dropped_.clear();
  batch_ = {};
  return emitted;
}

// Groups of the batch with what is kept of each, and the sort keys of all.
void TopN::look_up() {
  groups_.make(batch_, by_);
  if (idle_) touch_groups();
  std::vector<Row> first(groups_.count());
  table_.find_prefix(groups_.keys(batch_, by_), by_, groups_.hashes(), first);
  read_members(first);
  sort_rows();
  std::vector<Column> columns;
  for (const OrderColumn& order : design_.order) columns.push_back(batch_.columns[order.column]);
  row_keys_.make(design_.order, columns, numbers(next_arrival_, batch_.rows));
  if (!design_.retracts) return;
  std::vector<std::uint32_t> all(batch_.rows);
  std::iota(all.begin(), all.end(), 0U);
  const Batch keys = state_keys(batch_, all);
  std::vector<std::uint64_t> hashes(batch_.rows);
  same_.resize(batch_.rows);
  const auto key_columns = count_up(design_.table.key.size());
  hash_keys(keys, key_columns, hashes);
  table_.find(keys, key_columns, hashes, same_);
}

// Goes through the lists of all groups side by side, so that their cache misses overlap.
void TopN::fetch(std::span<const Row> first) {
  std::vector<Row> at(first.begin(), first.end());
  while (!at.empty()) {
    std::size_t left = 0;
    for (const Row row : at) {
      if (!row) continue;
      at[left] = table_.next_of_prefix(row);
      if (at[left]) table_.prefetch(at[left++]);
    }
    at.resize(left);
  }
}

void TopN::read_members(std::span<const Row> first) {
  fetch(first);
  members_.clear();
  members_end_.clear();
  for (Row row : first) {
    for (; row; row = table_.next_of_prefix(row)) members_.push_back(row);
    members_end_.push_back(members_.size());
  }
  std::vector<Column> columns;
  for (const OrderColumn& order : design_.order) {
    columns.push_back(table_.gather(members_, design_.columns[order.column]));
  }
  member_keys_.make(design_.order, columns, table_.gather(members_, design_.arrival));
}

// Rows of the batch by group, in the order they came.
void TopN::sort_rows() {
  rows_end_.assign(groups_.count(), 0);
  for (std::uint32_t row = 0; row < batch_.rows; ++row) ++rows_end_[groups_.of(row)];
  std::exclusive_scan(rows_end_.begin(), rows_end_.end(), rows_end_.begin(), std::size_t{0});
  rows_.resize(batch_.rows);
  for (std::uint32_t row = 0; row < batch_.rows; ++row) rows_[rows_end_[groups_.of(row)]++] = row;
}

void TopN::rank_group(std::uint32_t group) {
  std::vector<Candidate>& now = now_;
  now.clear();
  const std::size_t first_member = group == 0 ? 0 : members_end_[group - 1];
  for (std::size_t i = first_member; i < members_end_[group]; ++i) now.push_back({member_keys_[i], members_[i], 0});
  std::ranges::sort(now, {}, &Candidate::key);
  before_.assign(now.begin(),
                 now.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(now.size(), design_.limit)));
  const std::size_t first_row = group == 0 ? 0 : rows_end_[group - 1];
  for (std::size_t i = first_row; i < rows_end_[group]; ++i) apply(rows_[i], now);
  for (const Candidate& candidate : now) {
    if (!candidate.row) added_.push_back(candidate.index);
  }
  if (design_.windows || !output_) return;
  const auto after = std::span(now).first(std::min<std::size_t>(now.size(), design_.limit));
  design_.ranked() ? tell_by_rank(before_, after) : tell(before_, after);
}

void TopN::apply(std::uint32_t row, std::vector<Candidate>& now) {
  const RowKind kind = batch_.kind(row);
  if (kind == RowKind::kUpdateBefore || kind == RowKind::kDelete) return take_back(row, now);
  const std::string_view key = row_keys_[row];
  const bool bounded = !design_.retracts;
  if (bounded && now.size() == design_.limit && key > now.back().key) return;
  now.insert(std::ranges::upper_bound(now, key, {}, &Candidate::key), {key, Row(), row});
  if (!bounded || now.size() <= design_.limit) return;
  if (now.back().row) dropped_.push_back(now.back().row);
  now.pop_back();
}

void TopN::take_back(std::uint32_t row, std::vector<Candidate>& now) {
  const auto at = std::ranges::find_if(now, [&](const Candidate& candidate) {
    if (candidate.row) return candidate.row == same_[row];
    return same_key(batch_, design_.input.key, candidate.index, row);
  });
  if (at == now.end()) {
    ++unknown_;
    return;
  }
  if (at->row) dropped_.push_back(at->row);
  now.erase(at);
}

// What has changed for readers of the group.
void TopN::tell(std::span<const Candidate> before, std::span<const Candidate> after) {
  for (const Candidate& old : before) {
    if (std::ranges::none_of(after, [&](const Candidate& c) { return same(c, old); }))
      picks_.push_back({old, 0, RowKind::kDelete});
  }
  for (const Candidate& now : after) {
    if (!now.row || std::ranges::none_of(before, [&](const Candidate& c) { return same(c, now); }))
      picks_.push_back({now, 0, RowKind::kInsert});
  }
}

// The same where the unique key of a row of the output is its rank in its group.
void TopN::tell_by_rank(std::span<const Candidate> before, std::span<const Candidate> after) {
  const bool tell_before = output_->changelog != Changelog::kUpserts;
  for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
    const bool was = i < before.size();
    const bool is = i < after.size();
    if (was && is && same(before[i], after[i])) continue;
    if (was && !is) picks_.push_back({before[i], i + 1, RowKind::kDelete});
    if (was && is && tell_before) picks_.push_back({before[i], i + 1, RowKind::kUpdateBefore});
    if (is) picks_.push_back({after[i], i + 1, was ? RowKind::kUpdateAfter : RowKind::kInsert});
  }
}

// The table's key columns of some rows of a batch.
Batch TopN::state_keys(const Batch& batch, std::span<const std::uint32_t> rows) const {
  Batch keys{nullptr, rows.size(), std::vector<Column>(design_.table.key.size()), {}};
  if (design_.by.empty()) keys.columns[0] = all_true(rows.size());
  for (std::size_t column = 0; column < design_.columns.size(); ++column) {
    if (design_.columns[column] < keys.columns.size())
      keys.columns[design_.columns[column]] = batch.columns[column].take(rows);
  }
  if (design_.arrival < keys.columns.size())
    keys.columns[design_.arrival] = numbers(next_arrival_, batch.rows).take(rows);
  return keys;
}

// Rows that cannot come back only come and leave. Those to tell are read where they are kept; what left goes last.
Status TopN::append(Emitter& out) {
  std::vector<Row> rows(added_.size());
  std::vector<std::uint64_t> hashes;
  for (const std::uint32_t row : added_) hashes.push_back(groups_.hashes()[groups_.of(row)]);
  table_.append(state_keys(batch_, added_), count_up(design_.table.key.size()), hashes, rows);
  store(rows);
  kept_.resize(batch_.rows);
  for (std::size_t i = 0; i < rows.size(); ++i) kept_[added_[i]] = rows[i];
  for (Pick& pick : picks_) {
    if (!pick.of.row) pick.of.row = kept_[pick.of.index];
  }
  const Status emitted = emit(out);
  for (const Row row : dropped_) table_.erase(row);
  return emitted;
}

// A row may come again under the key of one that is taken back: what is told is read before.
Status TopN::replace(Emitter& out) {
  const Status emitted = emit(out);
  for (const Row row : dropped_) table_.erase(row);
  const Batch keys = state_keys(batch_, added_);
  const auto key_columns = count_up(design_.table.key.size());
  std::vector<std::uint64_t> hashes(added_.size());
  std::vector<Row> rows(added_.size());
  hash_keys(keys, key_columns, hashes);
  table_.upsert(keys, key_columns, hashes, rows, {});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table_.set<std::int64_t>(rows[i], design_.arrival, next_arrival_ + added_[i]);
  }
  store(rows);
  return emitted;
}

// The values of the rows added.
void TopN::store(std::span<const Row> rows) {
  for (std::size_t column = 0; column < design_.columns.size(); ++column) {
    if (design_.columns[column] < design_.table.key.size()) continue;
    table_.store(rows, design_.columns[column], batch_.columns[column], added_);
  }
  next_arrival_ += static_cast<std::int64_t>(batch_.rows);
}

}  // namespace stream
