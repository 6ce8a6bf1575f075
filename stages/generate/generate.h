// Generate: a source of made-up rows: reproducible, as fast as possible or at a rate.
#pragma once

#include <vector>

#include "snapshot/state_store.h"
#include "stages/expression/select_list.h"
#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_generate(const PlanRequest& request);

// Row n of the whole stream belongs to lane n mod 64 and so, wherever a restart or another parallelism
// falls, to the instance that owns this lane. An instance emits its rows in the order of n.
class Generate final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);

  Result<Poll> poll(Emitter& out) override;
  Microseconds idle_wait() const override { return wait_; }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  // Rows id, id + kLanes, … of the stream; `next` is the first not yet emitted.
  struct Lane {
    std::int64_t id = 0;
    std::int64_t next = 0;
  };
  static constexpr std::int64_t kLanes = 64;  // the stream is cut into so many, dealt to the instances

  Generate(Context& context, std::vector<SelectedColumn> columns);
  std::int64_t left() const;
  std::int64_t rows_in_order(std::int64_t wanted);
  std::int64_t take_row();
  Batch base_rows(std::int64_t count);
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
  std::size_t head_ = 0;  // the lane whose row is next; the others follow in a ring
  bool in_step_ = true;
  Microseconds began_ = -1;
  std::int64_t emitted_ = 0;  // since began_
  Microseconds wait_ = 1'000;
};

}  // namespace stream
