// LookupRows: a batch of the input and what is found for its rows, on their way out.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "stages/kit/stage.h"
#include "stages/lookup/design.h"
#include "stages/lookup/reference_table.h"

namespace stream {

class LookupRows {
 public:
  // `output`: what is read of the results, by name; null: nothing. The design outlives it.
  LookupRows(const LookupDesign& design, SchemaPtr output);

  // Takes a batch and computes its keys. Rows for which that fails are reported and dropped.
  Status take(Batch batch, Emitter& out);
  // A column for each of the key's, and the hashes of the rows. Those with a NULL find nothing.
  const Batch& keys() const { return keys_; }
  std::span<const std::uint64_t> hashes() const { return hashes_; }

  // Looks the rows up in the table, which has the columns LookupDesign::read.
  void look_up(std::shared_ptr<const ReferenceTable> table);
  // Emits results until all are out or `out` is full.
  Status emit_some(Emitter& out);
  // No batch is at work.
  bool done() const { return batch_.rows == 0; }

 private:
  Status drop_failed(std::vector<RowError>& errors, Emitter& out);
  Status drop_timeless(Emitter& out);
  void keep(std::span<const std::uint32_t> rows);
  void pair_up();
  void pair(std::uint32_t row);
  Status keep_true(Emitter& out);
  void pad(std::uint32_t first);
  bool whole_batch() const;
  Batch joint(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> partners,
              const std::vector<bool>& needed) const;
  Status emit(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> partners, Emitter& out);
  std::size_t text_bytes(std::size_t pair) const;
  Buffer kinds_of(std::span<const std::uint32_t> rows) const;

  const LookupDesign& design_;
  SchemaPtr output_;
  std::vector<Expression> columns_;
  std::vector<bool> needed_;                // of the joint schema, by the output
  std::vector<bool> rest_needed_;           // … by the rest of the condition
  std::vector<std::size_t> texts_;          // columns of the input that are needed and of no fixed width
  std::vector<std::size_t> partner_texts_;  // … of the table
  std::vector<std::size_t> key_columns_;

  Batch batch_;
  Batch keys_;
  std::vector<std::uint64_t> hashes_;
  std::shared_ptr<const ReferenceTable> table_;
  std::vector<std::uint32_t> found_;  // number of its key in the table, by row
  std::uint32_t next_ = 0;            // first row that is not paired

  // Pairs: a row of the batch, and a row of the table or none.
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint32_t> partners_;
};

}  // namespace stream
