// Fill: rows for the gaps between the rows of a key, on a grid of event time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stages/expression/select_list.h"
#include "stages/kit/stage.h"
#include "stages/kit/tumble.h"
#include "stages/kit/waiting_rows.h"

namespace stream {

// What a column has in a row that is made.
struct FilledColumn {
  enum class Kind : std::uint8_t { kNull, kKey, kTime, kCellEnd, kCarry, kLinear, kConstant } kind = Kind::kNull;
  std::size_t series = 0;   // kKey, kCarry, kLinear: column of the table of series
  std::size_t waiting = 0;  // kLinear: column of the table of rows that wait
  Column constant;          // kConstant: one row
};

// Planning and running derive it from the same options.
struct FillDesign {
  FillDesign(const std::string& stage, const Schema& input, std::vector<std::size_t> by, TumbleWindows cells);

  WaitingLayout waiting;
  TumbleWindows cells;
  Microseconds bound = 0;             // how long behind its last row a series is filled
  bool linear = false;                // some column is: gaps are filled when their end is known
  std::vector<FilledColumn> columns;  // of the input
  TableSpec series;                   // key: by; what is known of each
  std::size_t last = 0;               // columns of it: the time of the last row,
  std::size_t due = 0;                // … the cell to be filled next, or with `linear` when the series is forgotten
};

// nullopt with `error` set where the options are wrong for this input.
std::optional<FillDesign> design_fill(const Values& options, const Schema& input, const std::string& stage,
                                      PlanError* error);
PlanAnswer plan_fill(const PlanRequest& request);

class Fill final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`, `late`: null where nothing reads them. `store` outlives it.
  Fill(FillDesign design, const Schema& input, StateStore& store, SchemaPtr output, SchemaPtr late);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Microseconds output_watermark(Microseconds watermark) const override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  bool has_more() const override { return firing_; }
  Status more(Emitter& out) override;
  Status on_restored() override;

 private:
  // False: there is more, but enough for now.
  Result<bool> fire_rows(Emitter& out);
  Result<bool> take_row(Row waiting, Emitter& out);
  Result<bool> fill_silent(Emitter& out);
  Result<bool> fill_cells(Row series, Microseconds end, Emitter& out);

  Status bridge_gap(Row series, Row next, Emitter& out);
  Status make_row(Row series, WindowSpan cell, Row next, Emitter& out);
  void append_made(const FilledColumn& column, Row series, WindowSpan cell, Row next, ColumnBuilder& to) const;
  void interpolate(const FilledColumn& column, Row series, Microseconds at, Row next, ColumnBuilder& to) const;
  Status pass_row(Row waiting, Emitter& out);
  void remember(Row series, Row waiting);
  std::pair<Row, bool> series_of(Row waiting);
  Microseconds filled_until() const;
  Status end_row(Emitter& out);

  const FillDesign design_;
  WaitingRows waiting_;
  StateTable& series_;
  SchemaPtr output_;
  SchemaPtr late_;
  std::vector<std::size_t> columns_;  // of the input, as the output wants them
  std::optional<BatchBuilder> builder_;
  std::size_t rows_ = 0;  // of this piece
  Microseconds watermark_ = kNoWatermark;
  bool firing_ = false;
};

}  // namespace stream
