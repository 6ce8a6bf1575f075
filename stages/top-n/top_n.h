// TopN: the first rows of each group in an order, kept up to date or told once per window.
#pragma once

#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/batch_groups.h"
#include "stages/kit/stage.h"
#include "stages/top-n/design.h"

namespace stream {

inline constexpr std::size_t kLateOutput = 1;

PlanAnswer plan_top_n(const PlanRequest& request);

class TopN final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`, `late`: null where nothing reads them. The context's references outlive it.
  TopN(TopNDesign design, const Context& context, SchemaPtr output, SchemaPtr late);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  std::optional<Microseconds> due() const override { return idle_ ? idle_->due() : std::nullopt; }
  Status on_time(Microseconds now, Emitter& out) override;
  bool has_more() const override { return firing_; }
  Status more(Emitter& out) override { return fire_some(out); }
  Status on_restored() override;

 private:
  // A kept row, or a row of the batch.
  struct Candidate {
    std::string_view key;  // sort key
    Row row;               // null: a row of the batch
    std::uint32_t index = 0;
  };
  struct Pick {
    Candidate of;
    std::uint64_t rank = 0;
    RowKind kind = RowKind::kInsert;
  };

  // --- groups that are forgotten: idle.cc
  Status split_by_touch(Batch batch, Emitter& out);
  void touch_groups();
  void forget(Row age);
  void expire(Microseconds now);
  void find_ages();

  // --- batches: top_n.cc
  Status rank(Batch batch, Emitter& out);
  void add_key_columns();
  void look_up();
  void fetch(std::span<const Row> first);
  void read_members(std::span<const Row> first);
  void sort_rows();
  void rank_group(std::uint32_t group);
  void apply(std::uint32_t row, std::vector<Candidate>& now);
  void take_back(std::uint32_t row, std::vector<Candidate>& now);
  static bool same(const Candidate& a, const Candidate& b) { return a.row && a.row == b.row; }
  void tell(std::span<const Candidate> before, std::span<const Candidate> after);
  void tell_by_rank(std::span<const Candidate> before, std::span<const Candidate> after);
  Status append(Emitter& out);
  Status replace(Emitter& out);
  void store(std::span<const Row> rows);
  Batch state_keys(const Batch& batch, std::span<const std::uint32_t> rows) const;

  // --- results: results.cc
  Status emit(Emitter& out);
  Column column_of(const Field& field, std::span<const Row> rows) const;
  Status fire_some(Emitter& out);
  void collect_closed();
  std::uint64_t rank_closed(std::size_t at);

  const TopNDesign design_;
  StateTable& table_;
  SchemaPtr output_;
  SchemaPtr late_;
  std::int64_t next_arrival_ = 0;

  StateTable* ages_ = nullptr;
  std::optional<IdleRows> idle_;  // of those; none: groups are kept for ever, or windows end them
  const Clock& clock_;
  Microseconds clock_now_ = 0;  // of the batch, where groups are forgotten by the clock; never goes back
  std::uint64_t unknown_ = 0;   // rows of the batch that take back what is not kept

  // The batch at work; `by_` are its columns that hold the group's key, one appended if there is none.
  Batch batch_;
  std::vector<std::size_t> by_;
  BatchGroups groups_;
  std::vector<Row> members_;              // kept rows of all groups, one group behind the other
  std::vector<std::size_t> members_end_;  // by group
  std::vector<std::uint32_t> rows_;       // of the batch, one group behind the other
  std::vector<std::size_t> rows_end_;     // by group
  std::vector<Row> same_;                 // by row, if rows may be taken back: the kept row of the same key
  OrderKeys member_keys_;
  OrderKeys row_keys_;
  std::vector<std::uint32_t> added_;
  std::vector<Row> dropped_;
  std::vector<Pick> picks_;
  std::vector<Candidate> now_;  // of the group at work
  std::vector<Candidate> before_;
  std::vector<Row> kept_;  // by row, where it is kept from now on

  Microseconds watermark_ = kNoWatermark;
  bool firing_ = false;
  std::vector<Row> closed_;  // rows of complete groups, in order
  std::size_t fired_ = 0;    // of those
  std::uint64_t rank_ = 0;   // of the last one
};

}  // namespace stream
