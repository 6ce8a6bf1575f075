// JoinedRows: pairs of rows on their way out, and rows that go without a partner.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "stages/join/design.h"
#include "stages/join/kept_rows.h"
#include "stages/kit/stage.h"

namespace stream {

// Each pair is a row of a batch of one side, or none, and a kept row of the other side, or none.
class JoinedRows {
 public:
  static constexpr std::uint32_t kNoRow = UINT32_MAX;
  static constexpr std::size_t kRowsMax = 8192;

  // `output`: what is read of the results, by name; null: nothing. References outlive it.
  JoinedRows(const JoinDesign& design, std::array<const KeptRows*, 2> kept, SchemaPtr output);

  // The batch the pairs to come are of; its pairs must be emitted before it goes.
  void begin(std::size_t side, const Batch* batch) { side_ = side, batch_ = batch; }
  void add(std::uint32_t row, Row partner, bool taken_back) {
    rows_.push_back(row);
    partners_.push_back(partner);
    taken_back_.push_back(taken_back ? 1 : 0);
  }
  std::size_t size() const { return rows_.size(); }

  // Computes the output of all pairs and emits it.
  Status emit(Emitter& out);

  // The joint columns in `needed` of such pairs; the others are empty.
  Batch joint(std::size_t side, const Batch* batch, std::span<const std::uint32_t> rows, std::span<const Row> partners,
              const std::vector<bool>& needed) const;

 private:
  Column column_of(std::size_t joint, std::size_t side, const Batch* batch, std::span<const std::uint32_t> rows,
                   std::span<const Row> partners) const;
  Status report(const Batch& joint, std::span<const RowError> errors, Emitter& out) const;
  Buffer kinds_of(std::span<const std::uint32_t> rows) const;

  const JoinDesign& design_;
  std::array<const KeptRows*, 2> kept_;
  SchemaPtr output_;
  std::vector<Expression> columns_;
  std::vector<bool> needed_;
  std::size_t side_ = 0;
  const Batch* batch_ = nullptr;
  std::vector<std::uint32_t> rows_;
  std::vector<Row> partners_;
  std::vector<std::uint8_t> taken_back_;
};

}  // namespace stream
