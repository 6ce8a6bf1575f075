// Dedup: one row of each key: the first that comes, or the latest.
#pragma once

#include <optional>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/batch_groups.h"
#include "stages/kit/stage.h"

namespace stream {

// What a dedup keeps and where. Planning and running derive it from the same options.
struct DedupDesign {
  std::vector<std::size_t> by;
  bool last = false;                // keeps all columns and takes back what is no longer the latest
  std::optional<Microseconds> ttl;  // how long after its event time a key is known
  TableSpec table;                  // key: by
  std::vector<std::size_t> values;  // columns of the input in the table's value, in order
};

// nullopt with `error` set where the options are wrong for this input.
std::optional<DedupDesign> design_dedup(const Values& options, const Schema& input, const std::string& stage,
                                        PlanError* error);
PlanAnswer plan_dedup(const PlanRequest& request);

class Dedup final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`: null where nothing reads it. `store` outlives it.
  Dedup(DedupDesign design, StateStore& store, SchemaPtr input, SchemaPtr output);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;

 private:
  void look_up(const Batch& batch);
  Status pass_first(const Batch& batch, Emitter& out);
  Status replace(const Batch& batch, Emitter& out);
  std::vector<std::uint32_t> latest(const Batch& batch) const;
  Batch changes(const Batch& batch, std::span<const std::uint32_t> latest) const;
  Batch upserts(const Batch& batch, std::span<const std::uint32_t> rows, std::span<const std::uint8_t> fresh) const;
  void set_values(const Batch& batch, std::span<const Row> rows, std::span<const std::uint32_t> from);

  const DedupDesign design_;
  StateTable& table_;
  std::optional<std::size_t> time_;  // of the input
  SchemaPtr output_;
  BatchGroups groups_;
  std::vector<Row> rows_;               // by group
  std::vector<std::uint8_t> inserted_;  // by group
  std::vector<std::size_t> key_columns_;
};

}  // namespace stream
