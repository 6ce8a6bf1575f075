// Sample: some of the rows: a fraction, every nth, or the first.
#pragma once

#include <cstdint>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/stage.h"

namespace stream {

// What a sample keeps. Planning and running derive it from the same options.
struct SampleDesign {
  enum class Kind : std::uint8_t { kByKey, kByPosition, kEvery, kFirst };
  Kind kind = Kind::kByPosition;
  double fraction = 0;
  std::int64_t count = 0;  // of kEvery, kFirst
  std::uint64_t seed = 0;
  std::vector<std::size_t> by;  // of kByKey

  bool counts() const { return kind != Kind::kByKey; }
};

// False with `error` set where the options are wrong for this input.
bool design_sample(const Values& options, const Schema& input, SampleDesign* design, PlanError* error);
PlanAnswer plan_sample(const PlanRequest& request);

class Sample final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`: null where nothing reads it. The context's store outlives it.
  Sample(SampleDesign design, Context& context, SchemaPtr output);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  void choose_by_key(const Batch& batch);
  void choose_by_position(std::size_t rows);
  bool chosen(std::uint64_t hash) const;

  const SampleDesign design_;
  StateTable* positions_ = nullptr;  // of a sample that counts
  const std::int64_t instance_;
  SchemaPtr output_;
  std::int64_t position_ = 0;  // rows so far
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> rows_;  // chosen of the batch
};

}  // namespace stream
