// Sort: rows in order of event time.
#pragma once

#include <optional>
#include <vector>

#include "stages/kit/stage.h"
#include "stages/kit/waiting_rows.h"

namespace stream {

// Planning and running derive it from the same options.
struct SortDesign {
  WaitingLayout layout;
  std::vector<OrderColumn> order;  // of rows of one time; columns of the input
};

// nullopt with `error` set where the options are wrong for this input.
std::optional<SortDesign> design_sort(const Values& options, const Schema& input, const std::string& stage,
                                      PlanError* error);
PlanAnswer plan_sort(const PlanRequest& request);

class Sort final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`, `late`: null where nothing reads them. `store` outlives it.
  Sort(SortDesign design, const Schema& input, StateStore& store, SchemaPtr output, SchemaPtr late);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  bool has_more() const override { return waiting_.any_before(watermark_); }
  Status more(Emitter& out) override;
  Status on_restored() override;

 private:
  Batch gathered(std::span<const Row> rows) const;

  const std::size_t time_;
  const std::vector<OrderColumn> order_;
  WaitingRows waiting_;
  SchemaPtr output_;
  SchemaPtr late_;
  std::vector<std::size_t> columns_;  // of the table, as the output wants them
  Microseconds watermark_ = kNoWatermark;
  std::vector<Row> rows_;
};

}  // namespace stream
