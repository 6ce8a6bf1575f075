#include "stages/join/join.h"

#include <algorithm>

#include "snapshot/state_store.h"
#include "stages/kit/row_text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kCandidatesMax = 8192;

std::vector<PlanInput> inputs_of(const Context& context) {
  std::vector<PlanInput> inputs;
  for (std::size_t i = 0; i < context.inputs.size(); ++i) {
    inputs.push_back({context.input_names[i], *context.inputs[i]});
  }
  return inputs;
}

// In a job an input has just these columns; wired by hand it has all that are sent.
Batch only_columns_of(const SchemaPtr& schema, Batch batch) {
  if (batch.columns.size() == schema->fields.size()) return batch;
  Batch out{schema, batch.rows, {}, std::move(batch.kinds)};
  for (const Field& field : schema->fields) out.columns.push_back(batch.columns[*batch.schema->find(field.name)]);
  return out;
}

SchemaPtr output_of(const Context& context, std::size_t output) {
  return output < context.outputs.size() ? context.outputs[output] : nullptr;
}

}  // namespace

Result<std::unique_ptr<Operator>> Join::make(Context& context) {
  PlanError error;
  auto design = design_join(context.options, inputs_of(context), context.stage, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  return std::unique_ptr<Operator>(
      std::make_unique<Join>(*std::move(design), context.state, output_of(context, 0),
                             std::array{output_of(context, kLateLeft), output_of(context, kLateRight)}));
}

Join::Join(JoinDesign design, StateStore& store, SchemaPtr output, std::array<SchemaPtr, 2> late)
    : design_(std::move(design)),
      kept_{KeptRows(design_.sides[0], store), KeptRows(design_.sides[1], store)},
      results_(design_, {&kept_[0], &kept_[1]}, std::move(output)),
      schemas_{std::make_shared<const Schema>(design_.sides[0].schema),
               std::make_shared<const Schema>(design_.sides[1].schema)},
      late_(std::move(late)),
      rest_needs_(design_.joint.fields.size()) {
  if (!design_.condition.rest) return;
  for (const std::size_t column : design_.condition.rest->columns()) rest_needs_[column] = true;
}

Status Join::on_restored() {
  for (KeptRows& rows : kept_) rows.restored();
  return {};
}

Status Join::on_batch(std::size_t input, Batch batch, Emitter& out) {
  STREAM_TRY(drop_late(input, batch, out));
  if (batch.rows == 0) return {};
  side_ = input;
  batch_ = only_columns_of(schemas_[input], std::move(batch));
  look_up();
  joining_ = true;
  return join_some(out);
}

bool Join::taken_back(std::uint32_t row) const {
  const RowKind kind = batch_.kind(row);
  return kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
}

void Join::look_up() {
  const JoinSide& side = design_.sides[side_];
  hashes_.resize(batch_.rows);
  next_.assign(batch_.rows, Row());
  matches_.assign(batch_.rows, 0);
  null_key_.assign(batch_.rows, 0);
  hash_keys(batch_, side.on, hashes_);
  kept_[1 - side_].find(batch_, side.on, hashes_, next_);
  for (const std::size_t column : side.on) {
    if (!batch_.columns[column].has_nulls()) continue;
    for (std::uint32_t row = 0; row < batch_.rows; ++row) {
      if (batch_.columns[column].valid(row)) continue;
      null_key_[row] = 1;
      next_[row] = Row();
    }
  }
  looking_at_ = ending_ = 0;
  results_.begin(side_, &batch_);
}

// Partners of one row may be many: what is found is worked on a part at a time.
Status Join::join_some(Emitter& out) {
  while (ending_ < batch_.rows) {
    find_candidates();
    STREAM_TRY(keep_true(out));
    pair_up();
    STREAM_TRY(results_.emit(out));
    if (out.full() && ending_ < batch_.rows) return {};
  }
  keep_batch();
  joining_ = false;
  batch_ = {};
  return {};
}

void Join::find_candidates() {
  candidates_.clear();
  const KeptRows& other = kept_[1 - side_];
  while (looking_at_ < batch_.rows && candidates_.rows.size() + candidates_.ended.size() < 2 * kCandidatesMax) {
    Row& at = next_[looking_at_];
    for (; at && candidates_.rows.size() < kCandidatesMax; at = other.next(at)) {
      candidates_.rows.push_back(looking_at_);
      candidates_.partners.push_back(at);
    }
    if (at) return;
    candidates_.ended.push_back(static_cast<std::uint32_t>(candidates_.rows.size()));
    ++looking_at_;
  }
}

// Drops candidates for which the rest of the condition is not true.
Status Join::keep_true(Emitter& out) {
  if (!design_.condition.rest || candidates_.rows.empty()) return {};
  const Batch joint = results_.joint(side_, &batch_, candidates_.rows, candidates_.partners, rest_needs_);
  std::vector<std::uint32_t> kept;
  std::vector<RowError> errors;
  design_.condition.rest->select(joint, &kept, &errors);
  for (const RowError& error : errors) {
    const std::uint32_t row = candidates_.rows[error.row];
    if (!taken_back(row)) STREAM_TRY(out.bad_record({error.reason, "", row_text(batch_, row)}));
  }
  if (kept.size() == candidates_.rows.size()) return {};
  Candidates left;
  auto end = candidates_.ended.begin();
  const auto end_before = [&](std::uint32_t candidate) {
    for (; end != candidates_.ended.end() && *end <= candidate; ++end) {
      left.ended.push_back(static_cast<std::uint32_t>(left.rows.size()));
    }
  };
  for (const std::uint32_t candidate : kept) {
    end_before(candidate);
    left.rows.push_back(candidates_.rows[candidate]);
    left.partners.push_back(candidates_.partners[candidate]);
  }
  end_before(UINT32_MAX);
  candidates_ = std::move(left);
  return {};
}

void Join::pair_up() {
  std::size_t at = 0;
  for (const std::uint32_t end : candidates_.ended) {
    for (; at < end; ++at) pair(candidates_.rows[at], candidates_.partners[at]);
    end_row(ending_++);
  }
  for (; at < candidates_.rows.size(); ++at) pair(candidates_.rows[at], candidates_.partners[at]);
}

// The partner may have been without one so far, or be without one from now on.
void Join::pair(std::uint32_t row, Row partner) {
  const JoinSide& other = design_.sides[1 - side_];
  KeptRows& partners = kept_[1 - side_];
  const bool back = taken_back(row);
  const std::int64_t copies = partners.copies(partner);
  matches_[row] += copies;
  const bool counts = other.matches != kNone;
  const std::int64_t before = counts ? partners.matches(partner) : 0;
  const bool shown_alone = counts && !other.settled;
  for (std::int64_t i = 0; i < copies; ++i) {
    if (shown_alone && !back && before == 0) results_.add(JoinedRows::kNoRow, partner, true);
    results_.add(row, partner, back);
    if (shown_alone && back && before == 1) results_.add(JoinedRows::kNoRow, partner, false);
  }
  if (counts) partners.set_matches(partner, before + (back ? -1 : 1));
}

void Join::end_row(std::uint32_t row) {
  const JoinSide& side = design_.sides[side_];
  if (!side.padded || matches_[row] != 0) return;
  if (!side.settled || !stays(row)) results_.add(row, Row(), taken_back(row));
}

// Whether partners may still come for a row.
bool Join::stays(std::uint32_t row) const {
  if (null_key_[row] != 0) return false;
  const JoinSide& side = design_.sides[side_];
  if (!side.kept || watermark_ == kNoWatermark) return true;
  return batch_.columns[*side.schema.time].value<std::int64_t>(row) >= horizon(side_);
}

void Join::keep_batch() {
  std::vector<std::uint32_t> added;
  KeptRows& rows = kept_[side_];
  for (std::uint32_t row = 0; row < batch_.rows; ++row) {
    if (null_key_[row] != 0) continue;
    if (!taken_back(row)) {
      if (stays(row)) added.push_back(row);
      continue;
    }
    rows.add(batch_, added, hashes_, matches_);  // in the order they came
    added.clear();
    rows.remove(batch_, row);
  }
  rows.add(batch_, added, hashes_, matches_);
}

Status Join::more(Emitter& out) { return joining_ ? join_some(out) : expire_some(out); }

}  // namespace stream
