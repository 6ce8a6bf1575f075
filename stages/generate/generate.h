// Generate: a source of made-up rows: reproducible, as fast as possible or at a rate.
#pragma once

#include <vector>

#include "stages/expression/select_list.h"
#include "stages/generate/row_numbers.h"
#include "stages/kit/stage.h"

namespace stream {

inline constexpr std::string_view kColumnsFallback = "n, random";

PlanAnswer plan_generate(const PlanRequest& request);
Result<std::unique_ptr<Source>> make_generate(Context& context);

// Rows whose columns are expressions over the row's number and random numbers.
class Generate final : public Source {
 public:
  Generate(Context& context, std::vector<SelectedColumn> columns);

  Result<Poll> poll(Emitter& out) override;
  Microseconds idle_wait() const override { return numbers_.idle_wait(); }
  std::optional<std::uint64_t> pending_records() override { return numbers_.pending(); }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  Batch base_rows(std::span<const std::int64_t> numbers) const;

  SchemaPtr base_;
  SchemaPtr output_;
  std::vector<SelectedColumn> columns_;
  std::uint64_t seed_;
  RowNumbers numbers_;
};

}  // namespace stream
