// What a table is filled from snapshot files through.
#pragma once

#include "snapshot/destination.h"
#include "snapshot/state_table.h"

namespace stream {

class IntoTable final : public Destination {
 public:
  explicit IntoTable(StateTable& table) : table_(table) {}
  Status clear() override {
    table_.unload_all();
    return {};
  }
  Status drop_before(std::size_t column, std::int64_t before) override {
    table_.unload_before(column, before);
    return {};
  }
  Status drop(const Batch& keys) override {
    table_.unload(keys);
    return {};
  }
  Status load(const Batch& rows) override {
    table_.load(rows);
    return {};
  }

 private:
  StateTable& table_;
};

}  // namespace stream
