// Nexmark: the events of the auction house that stream processors are measured with.
//
// The output `out` has events of every kind, `person`, `auction` and `bid` those of one. Only outputs
// and columns that something reads are made.
#pragma once

#include <array>
#include <vector>

#include "stages/generate/nexmark_fields.h"
#include "stages/generate/row_numbers.h"
#include "stages/kit/stage.h"

namespace stream::nexmark {

// The outputs beside `out`, each of a Kind, in its order.
inline constexpr std::string_view kOutputs[] = {"person", "auction", "bid"};
inline constexpr std::size_t kKinds = std::size(kOutputs);

PlanAnswer plan(const Values& options);

// Errors: none; plan() has looked at the options.
Settings settings_of(const Values& options);

class Generator final : public Source {
 public:
  explicit Generator(Context& context);

  Result<Poll> poll(Emitter& out) override;
  Microseconds idle_wait() const override { return numbers_.idle_wait(); }
  std::optional<std::uint64_t> pending_records() override { return numbers_.pending(); }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  void sort_by_kind(std::span<const std::int64_t> rows);
  Batch one_kind(Kind kind);
  Batch all_kinds();
  Column merged(const Field& field);
  Column kinds() const;
  Status emit(Batch batch, std::size_t output, Emitter& out);

  Model model_;
  RowNumbers numbers_;
  std::vector<SchemaPtr> outputs_;
  std::vector<std::int64_t> events_;                       // of the batch that is being made
  std::array<std::vector<std::int64_t>, kKinds> of_kind_;  // the same
  std::int64_t batch_rows_;
  std::size_t batch_bytes_ = 0;
};

}  // namespace stream::nexmark
