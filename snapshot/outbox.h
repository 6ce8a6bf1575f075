// Outbox: what a sink has received and not yet committed, as whole batches.
//
// Rows belong to a committable: (epoch, origin), where origin is the instance that first received
// them. A sink commits under the id (run, stage, epoch, origin), also when a rescale has moved the
// rows to another instance. Batches are kept and captured by reference; nothing is copied.
//
// In snapshot files an outbox is a state table with the key columns `_epoch`, `_instance`, `_seq`
// and the value column `_kind` before the sink's own. One thread only, except where said.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "snapshot/table_spec.h"
#include "transport/base/ids.h"
#include "transport/record/batch.h"

namespace stream {

struct Committable {
  Epoch epoch;
  std::uint32_t origin = 0;
  friend auto operator<=>(const Committable&, const Committable&) = default;
};

// The spec of an outbox whose rows have these columns, and whether a spec is one.
TableSpec outbox_spec(std::string name, std::vector<Field> columns);
bool is_outbox(const TableSpec& spec);

// One appended batch.
struct OutboxBatch {
  Committable committable;
  std::int64_t first_sequence = 0;  // of its first row within the committable
  Batch batch;
};

// The batch as rows of the spec: `_epoch`, `_instance`, `_seq`, `_kind`, then the sink's columns.
Batch outbox_rows(const OutboxBatch& entry);

class Outbox {
 public:
  // `spec` is of outbox_spec(); `instance` is the origin of what is appended.
  Outbox(TableSpec spec, std::uint32_t instance, bool track_changes = true);

  const TableSpec& spec() const { return spec_; }
  const SchemaPtr& schema() const { return schema_; }  // the sink's columns
  std::size_t rows() const { return rows_; }
  std::size_t size_bytes() const { return size_bytes_; }

  // Keeps the batch (columns as in schema(); row kinds are kept) for `epoch`.
  void append(Epoch epoch, Batch batch);

  // The committables held, in order, and the batches of one of them in order of arrival. A copy
  // of the batches is cheap (buffers are shared) and may go to the commit thread.
  std::vector<Committable> committables() const;
  std::vector<Batch> batches(Committable committable) const;

  void drop_through(Epoch epoch);  // everything of epochs <= epoch: committed
  void clear() { drop_through(Epoch(INT64_MAX - 1)); }

  // --- for the snapshot library -----------------------------------------------------------------
  struct Change {
    std::vector<OutboxBatch> batches;
    std::optional<std::int64_t> before;  // drop earlier rows with _epoch < before
  };
  // What changed after generation `completed`; ends the current generation.
  Change capture(std::uint64_t completed);
  void begin_at(std::uint64_t generation) { generation_ = generation; }
  std::vector<OutboxBatch> all() const;
  void load(const Batch& rows);  // columns of spec(); in order within a committable
  void unload_before(std::int64_t epoch);

 private:
  struct Entry {
    OutboxBatch kept;
    std::uint64_t generation = 0;  // in which it came; 0 = from a snapshot
  };
  void keep(Entry entry);

  TableSpec spec_;
  SchemaPtr schema_;
  std::uint32_t instance_;
  bool track_;
  std::map<Committable, std::vector<Entry>> entries_;
  std::vector<std::pair<std::uint64_t, std::int64_t>> drops_;  // generation, _epoch < before
  std::uint64_t generation_ = 1;
  std::size_t rows_ = 0;
  std::size_t size_bytes_ = 0;
};

}  // namespace stream
