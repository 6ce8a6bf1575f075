// Streak: how many rows of a key in a row have had the same value.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/stage.h"

// What the options mean for an input. Planning and running derive it from the same options.
struct StreakDesign {
  std::vector<std::size_t> by;
  std::size_t of = 0;       // the column whose value is compared
  stream::TableSpec table;  // key: by; value: the value that came last, and how often
  stream::Schema output;    // the input's columns, then the count
};

stream::PlanAnswer plan_streak(const stream::PlanRequest& request);

class Streak final : public stream::Operator {
 public:
  static stream::Result<std::unique_ptr<stream::Operator>> make(stream::Context& context);
  Streak(StreakDesign design, stream::Context& context);

  stream::Status on_batch(std::size_t input, stream::Batch batch, stream::Emitter& out) override;

 private:
  // Counts the row, and answers how long the streak is now.
  std::int64_t count(const stream::Batch& batch, std::size_t row, stream::Row state, bool first);

  const StreakDesign design_;
  stream::StateTable& table_;
  stream::SchemaPtr output_;
};
