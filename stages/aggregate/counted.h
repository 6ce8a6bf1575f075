// CountedAggregate: windows of so many rows of a group, in the order they come. No event time.
#pragma once

#include <optional>
#include <vector>

#include "stages/aggregate/operator.h"
#include "stages/aggregate/row_set.h"

namespace stream {

class CountedAggregate final : public AggregateOperator {
 public:
  // `output`: null where nothing reads it. The context's references outlive it.
  CountedAggregate(AggregateDesign design, const Context& context, SchemaPtr output);

 private:
  Status on_rows(Batch batch, Emitter& out) override;
  Result<bool> add(const Work& work, Emitter& out) override;
  void find(const Work& work);
  void forget_idle(const Batch& batch);
  void plan(const Batch& batch);
  Result<std::vector<std::uint32_t>> add_turns(const Batch& batch, Emitter& out);
  std::span<const std::uint32_t> turn(std::size_t number) const;
  void erase(std::span<const Row> groups);

  const std::int64_t rows_a_window_;
  std::optional<Results> results_;  // none: nothing reads them
  RowSet touched_;
  std::size_t added_ = 0;  // rows, in this turn

  // Rows of the batch by turn: a turn fills no window more than once.
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> begin_of_;  // by turn, and the end
};

}  // namespace stream
