// Join: rows of two inputs that belong together.
//
// Either input's rows are kept in a state table, found by what they are joined by. A row that comes is
// joined with what is kept of the other input, then kept itself. What the condition says of event time
// tells when a row can be let go.
#pragma once

#include <array>
#include <vector>

#include "stages/join/design.h"
#include "stages/join/joined_rows.h"
#include "stages/join/kept_rows.h"
#include "stages/kit/stage.h"

namespace stream {

inline constexpr std::size_t kLateLeft = 1;
inline constexpr std::size_t kLateRight = 2;

PlanAnswer plan_join(const PlanRequest& request);

class Join final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`, `late`: null where nothing reads them. `store` outlives it.
  Join(JoinDesign design, StateStore& store, SchemaPtr output, std::array<SchemaPtr, 2> late);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Microseconds output_watermark(Microseconds watermark) const override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  bool has_more() const override { return joining_ || expiring_ < 2; }
  Status more(Emitter& out) override;
  Status on_restored() override;

 private:
  // Rows of the batch that could be partners of kept rows, some thousand at a time.
  struct Candidates {
    std::vector<std::uint32_t> rows;
    std::vector<Row> partners;
    std::vector<std::uint32_t> ended;  // how many candidates there were when each further row had no more

    void clear() {
      rows.clear();
      partners.clear();
      ended.clear();
    }
  };

  Status drop_late(std::size_t side, Batch& batch, Emitter& out);
  void look_up();
  Status join_some(Emitter& out);
  void find_candidates();
  Status keep_true(Emitter& out);
  void pair_up();
  void pair(std::uint32_t row, Row partner);
  void end_row(std::uint32_t row);
  void keep_batch();
  bool stays(std::uint32_t row) const;
  bool taken_back(std::uint32_t row) const;

  Status expire_some(Emitter& out);
  Result<bool> expire(std::size_t side, Emitter& out);
  Microseconds horizon(std::size_t side) const;

  const JoinDesign design_;
  std::array<KeptRows, 2> kept_;
  JoinedRows results_;
  std::array<SchemaPtr, 2> schemas_;
  std::array<SchemaPtr, 2> late_;
  std::vector<bool> rest_needs_;

  // The batch at work.
  bool joining_ = false;
  std::size_t side_ = 0;
  Batch batch_;
  std::vector<std::uint8_t> null_key_;  // rows that have no partner whatever comes
  std::vector<Row> next_;               // the next kept row to look at, by row
  std::vector<std::int64_t> matches_;   // partners found, by row
  std::uint32_t looking_at_ = 0;        // row whose partners are looked for
  std::uint32_t ending_ = 0;            // first row whose partners are not all paired
  Candidates candidates_;
  std::vector<std::uint64_t> hashes_;

  Microseconds watermark_ = kNoWatermark;
  std::size_t expiring_ = 2;  // side whose rows leave; 2: none
  TimeCursor cursor_;
};

}  // namespace stream
