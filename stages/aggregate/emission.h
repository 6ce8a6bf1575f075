// What an aggregate sends: whole groups, and changes of groups.
#pragma once

#include <span>
#include <vector>

#include "stages/aggregate/results.h"
#include "stages/kit/stage.h"

namespace stream {

// What has become of some groups, as rows to send: the group's number * 2 for its row before, + 1 after.
class Picks {
 public:
  // `before`, `now`: the group has a row to show. `differ`: the two are not the same.
  void add(std::uint32_t group, bool before, bool now, bool differ) {
    if (before && now) {
      if (!differ) return;
      pick(2 * group, RowKind::kUpdateBefore);
      pick(2 * group + 1, RowKind::kUpdateAfter);
    } else if (before) {
      pick(2 * group, RowKind::kDelete);
    } else if (now) {
      pick(2 * group + 1, RowKind::kInsert);
    }
  }

  std::span<const std::uint32_t> rows() const { return rows_; }
  const std::uint8_t* kinds() const { return kinds_.data(); }

 private:
  void pick(std::uint32_t row, RowKind kind) {
    rows_.push_back(row);
    kinds_.append_value(kind);
  }
  std::vector<std::uint32_t> rows_;
  ByteBuilder kinds_;
};

// The rows picked, in batches that never part the two of an update.
std::vector<Batch> picked_rows(const SchemaPtr& schema, const Computed& before, const Computed& after,
                               const Picks& picks);
Status emit_picked(const Results& results, const Computed& before, const Computed& after, const Picks& picks,
                   Emitter& out);
Status report_failed(const Results& results, const Computed& computed, std::size_t rows, Emitter& out);
// Drops groups that are not alive, and emits the others.
Status emit_groups(const Results& results, std::vector<Row>& groups, Emitter& out, WindowSpan window = {});

}  // namespace stream
