// Match: sequences of rows that a pattern describes.
//
// Rows wait in the state table until the watermark is past them, then go to the sequence of their key in the order
// of event time. What looks at one row alone is computed when it comes, a batch at a time, and kept with it; what
// compares it with others when it is its turn, for all sequences that are as far. Beside the rows nothing is state:
// searches are made again from the first row that is still open.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/stage.h"
#include "stages/match/design.h"
#include "stages/match/open_rows.h"
#include "stages/match/results.h"

namespace stream {

inline constexpr std::size_t kMatchLate = 1;  // output

PlanAnswer plan_match(const PlanRequest& request);

class Match final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`, `late`: null where nothing reads them. `store` outlives it.
  Match(MatchDesign design, StateStore& store, SchemaPtr output, SchemaPtr late);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Microseconds output_watermark(Microseconds watermark) const override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  bool has_more() const override { return !active_.empty() || horizon_ < watermark_; }
  Status more(Emitter& out) override;
  Status on_restored() override;

 private:
  // A sequence whose next row must be compared with others.
  struct Waiting {
    OpenRows* sequence = nullptr;
    std::vector<Search::Trial> trials;
  };
  struct Asked {  // one of its trials
    std::uint32_t waiting = 0;
    std::uint32_t trial = 0;
  };
  enum class Settled : std::uint8_t { kIdle, kWaiting, kFull };

  // --- rows that come: match.cc
  Status compute(Batch& batch, Emitter& out);
  void evaluate_conditions(const Batch& batch, std::vector<RowError>& errors);
  void evaluate_kept(const Batch& batch, std::vector<RowError>& errors);
  void keep(const Batch& batch);

  // --- rows whose time has come: take.cc
  void take_some();
  std::vector<Row> next_rows();
  std::vector<std::uint32_t> in_order(std::span<const Row> rows) const;
  void hand_over(std::span<const Row> rows);
  void wake_expired(Microseconds taken_before);
  Batch keys_of(std::span<const Row> rows) const;
  OpenRows& sequence_of(const Batch& keys, std::uint32_t row);
  void load_past(const Batch& keys, std::uint32_t row, OpenRows& sequence);
  void activate(OpenRows& sequence);

  // --- searches: searches.cc
  Status round(Emitter& out);
  Result<Settled> settle(OpenRows& sequence, Emitter& out);
  bool try_row(OpenRows& sequence);
  bool complete(const OpenRows& sequence) const;
  Status finish(OpenRows& sequence, Emitter& out);
  std::size_t rows_to_skip(std::span<const std::uint32_t> variables) const;
  Status answer(Emitter& out);
  Status answer(std::size_t variable, std::span<const Asked> asked, Emitter& out);
  Status report(OpenRows& sequence, std::size_t row, const char* reason, Emitter& out);

  const MatchDesign design_;
  StateTable& table_;
  MatchResults results_;
  SchemaPtr late_;
  MatchValues compared_;                  // the values that conditions look at
  std::vector<std::int64_t> kept_for_;    // by expressions.kept: bits of variables
  std::int64_t may_begin_ = 0;            // bits of the variables that a match can begin with
  std::vector<std::size_t> key_columns_;  // of the table: by, or the constant
  std::int64_t next_arrival_ = 0;

  // Of the batch at work.
  std::vector<Column> computed_;  // by expressions.kept; empty where it is a column of the input
  std::vector<std::int64_t> holds_;

  Microseconds watermark_ = kNoWatermark;
  Microseconds horizon_ = kNoWatermark;  // rows before it have been taken
  Search::Scratch scratch_;
  std::unordered_map<std::string, std::unique_ptr<OpenRows>> sequences_;  // with rows that are taken
  std::vector<OpenRows*> active_;
  std::vector<Waiting> waiting_;
  std::vector<Search::Trial> trials_;
};

}  // namespace stream
