// Generate: a source of made-up rows: reproducible, as fast as possible or at a rate.
#pragma once

#include <vector>

#include "snapshot/state_store.h"
#include "stages/expression/select_list.h"
#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_generate(const PlanRequest& request);

// Row n of the whole stream belongs to instance n mod parallelism, wherever a restart or another
// parallelism falls: positions are the numbers of each residue class that are done.
class Generate final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);

  Result<Poll> poll(Emitter& out) override;
  Microseconds idle_wait() const override { return wait_; }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  // Rows first, first + step, … of the stream; `next` is the first not yet emitted.
  struct Lane {
    std::int64_t id = 0;
    std::int64_t next = 0;
  };
  static constexpr std::int64_t kLanes = 64;  // the stream is cut into so many, dealt to the instances

  Generate(Context& context, std::vector<SelectedColumn> columns);
  Batch base_rows(Lane& lane, std::int64_t count);
  std::int64_t allowed(std::int64_t wanted);

  SchemaPtr base_;
  SchemaPtr output_;
  std::vector<SelectedColumn> columns_;
  StateTable& positions_;
  const Clock& clock_;
  std::uint32_t instance_;
  std::uint32_t parallelism_;
  std::uint64_t seed_;
  std::int64_t rows_;  // of the whole stream
  std::int64_t rate_;  // rows a second of this instance; 0 = no limit
  std::vector<Lane> lanes_;
  std::size_t next_lane_ = 0;
  Microseconds began_ = -1;
  std::int64_t emitted_ = 0;  // since began_
  Microseconds wait_ = 1'000;
};

}  // namespace stream
