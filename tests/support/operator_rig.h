// A harness around one operator: options as text, rows as text, outputs gathered, and a second life from
// its snapshot with another parallelism.
#pragma once

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "snapshot/snapshot_writer.h"
#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "tests/support/temp_dir.h"
#include "transport/record/key.h"

namespace stream::test {

template <class T>
T must(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.ok(), result.status().what());
  return *std::move(result);
}
inline void must(const Status& status) { BOOST_REQUIRE_MESSAGE(status.ok(), status.what()); }

inline std::string shown(const Column& column, std::size_t row) {
  if (!column.valid(row)) return "NULL";
  switch (column.type().width()) {
    case 0: return std::string(column.bytes(row));
    case 1: return std::to_string(column.value<std::uint8_t>(row));
    case 4: return std::to_string(column.value<std::int32_t>(row));
    case 16: return std::to_string(static_cast<long double>(column.value<Decimal>(row)));
    default: break;
  }
  if (column.type() == kDouble) return std::to_string(column.value<double>(row));
  return std::to_string(column.value<std::int64_t>(row));
}

inline std::string shown(const Batch& batch, std::size_t row) {
  std::string out;
  for (std::size_t c = 0; c < batch.columns.size(); ++c) out += (c == 0 ? "" : "|") + shown(batch.columns[c], row);
  return out;
}

// What an operator emitted. full() says yes every other time: whatever is done in pieces is.
class Emitted final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t output) override {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      if (output == 0) {
        change(batch.kind(i), shown(batch, i));
      } else {
        named[output].push_back(shown(batch, i));
      }
    }
    return {};
  }
  Status bad_record(BadRecord record) override {
    bad.push_back(record.reason);
    return {};
  }
  void late_records(std::uint64_t count, std::size_t /*output*/) override { late += count; }
  bool full() const override { return (asked_ = !asked_); }

  std::multiset<std::string> rows;  // what the changes make
  std::map<std::size_t, std::vector<std::string>> named;
  std::vector<std::string> bad;
  std::size_t late = 0;
  std::size_t changes = 0;

 private:
  void change(RowKind kind, const std::string& row) {
    ++changes;
    if (kind == RowKind::kInsert || kind == RowKind::kUpdateAfter) {
      rows.insert(row);
      return;
    }
    const auto at = rows.find(row);
    BOOST_REQUIRE_MESSAGE(at != rows.end(), "taken back, but was not there: " + row);
    rows.erase(at);
  }
  mutable bool asked_ = false;
};

// Knows only how large the batches are.
class BatchSizes final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t /*output*/) override {
    rows += batch.rows;
    largest = std::max(largest, batch.size_bytes());
    return {};
  }
  Status bad_record(BadRecord /*record*/) override { return {}; }
  void late_records(std::uint64_t /*count*/, std::size_t /*output*/) override {}
  bool full() const override { return (asked_ = !asked_); }

  std::size_t rows = 0;
  std::size_t largest = 0;  // in bytes

 private:
  mutable bool asked_ = false;
};

// All instances of one stage. Rows go to the instance that owns their key group, as in a job.
class OperatorRig {
 public:
  using Plan = PlanAnswer (*)(const PlanRequest&);
  using Make = Result<std::unique_ptr<Operator>> (*)(Context&);

  // `inputs`: planned and pruned alike.
  OperatorRig(Plan plan, Make make, Values values, std::vector<PlanInput> inputs, std::uint32_t parallelism = 1)
      : make_(make), values_(std::move(values)), inputs_(std::move(inputs)) {
    answer_ = plan({values_, inputs_, "/", parallelism, "stage"});
    for (const PlanError& error : answer_.errors) BOOST_FAIL(error.option + ": " + error.message);
    prune();
    start(parallelism, nullptr);
  }

  const PlanAnswer& answer() const { return answer_; }
  const SchemaPtr& input(std::size_t index) const { return schemas_[index]; }
  std::size_t turns = 0;  // in which operators went on with what they had left

  std::size_t state_rows() const {
    std::size_t rows = 0;
    for (const Instance& instance : instances_) rows += instance.store->rows();
    return rows;
  }

  void batch(std::size_t input, const Batch& rows, Emitter& out) {
    const auto parallelism = static_cast<std::uint32_t>(instances_.size());
    std::vector<std::vector<std::uint32_t>> of(parallelism);
    const std::vector<std::size_t> by = spread_by(input);
    std::vector<std::uint64_t> hashes(rows.rows);
    if (!by.empty()) hash_keys(rows, by, hashes);
    for (std::uint32_t row = 0; row < rows.rows; ++row) {
      of[owner_of(key_group_of(hashes[row], kKeyGroupsDefault), kKeyGroupsDefault, parallelism)].push_back(row);
    }
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      if (of[i].empty()) continue;
      must(instances_[i].op->on_batch(input, rows.take(of[i]), out));
      drain(*instances_[i].op, out);
    }
  }

  void watermark(Microseconds at, Emitter& out) {
    watermark_ = at;
    for (Instance& instance : instances_) {
      must(instance.op->on_watermark(at, out));
      drain(*instance.op, out);
    }
  }

  // As the clock of the machine says.
  void on_time(Microseconds now, Emitter& out) {
    for (Instance& instance : instances_) {
      must(instance.op->on_time(now, out));
      drain(*instance.op, out);
    }
  }

  void end(Emitter& out) {
    watermark(kEndOfTime, out);
    for (Instance& instance : instances_) {
      must(instance.op->on_end(out));
      drain(*instance.op, out);
    }
  }

  // A checkpoint, and all instances anew from it.
  void restart(std::uint32_t parallelism, Emitter& out) {
    ++epoch_;
    const Epoch epoch(epoch_);
    RestoreSource source{dir_ / "checkpoints", epoch, static_cast<std::uint32_t>(instances_.size()), {}, true};
    for (Instance& instance : instances_) {
      must(instance.op->before_snapshot());
      source.instances.push_back(must(instance.writer->write(instance.store->capture(epoch))));
      instance.store->completed(epoch);
    }
    instances_.clear();
    ++attempt_;
    start(parallelism, &source);
    for (Instance& instance : instances_) {
      must(instance.op->on_restored());
      if (watermark_ == kNoWatermark) continue;
      must(instance.op->on_watermark(watermark_, out));
      drain(*instance.op, out);
    }
  }

 private:
  struct Instance {
    std::unique_ptr<StateStore> store;
    std::unique_ptr<SnapshotWriter> writer;
    std::unique_ptr<Context> context;
    std::unique_ptr<Operator> op;
  };

  // Inputs as the planner prunes them when everything of the outputs is read.
  void prune() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      std::set<std::size_t> used;
      const Schema& schema = inputs_[i].schema;
      for (const std::string& column : answer_.inputs[i].needs) used.insert(*schema.find(column));
      for (const auto& field : answer_.outputs[0].lineage) {
        for (const ColumnRef& ref : field) {
          if (ref.input == i) used.insert(*schema.find(ref.column));
        }
      }
      schemas_.push_back(std::make_shared<const Schema>(project(schema, {used.begin(), used.end()})));
    }
  }

  std::vector<std::size_t> spread_by(std::size_t input) const {
    std::vector<std::size_t> by;
    for (const std::string& name : answer_.inputs[input].partition_columns) by.push_back(*schemas_[input]->find(name));
    return by;
  }

  void start(std::uint32_t parallelism, const RestoreSource* source) {
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      Instance& instance = instances_.emplace_back();
      instance.store = std::make_unique<StateStore>(StoreOptions{i, parallelism});
      WriterOptions writing;
      writing.identity.job = "job";
      writing.identity.run = std::string(32, '7');
      writing.identity.attempt = Attempt(attempt_);
      writing.identity.stage = "stage";
      writing.identity.instance = i;
      writing.identity.parallelism = parallelism;
      writing.checkpoints = dir_ / "checkpoints";
      writing.scratch = dir_ / ("scratch" + std::to_string(attempt_) + "-" + std::to_string(i));
      instance.writer = std::make_unique<SnapshotWriter>(system_files(), writing);
      instance.context = std::make_unique<Context>(
          Context{values_, "/", schemas_, {}, *instance.store, system_clock(), "", "stage", ""});
      instance.context->supervised = true;
      instance.context->instance = i;
      instance.context->parallelism = parallelism;
      for (const PlanInput& input : inputs_) instance.context->input_names.push_back(input.name);
      for (const OutputPlan& output : answer_.outputs) {
        // Named outputs carry what is left of their input.
        const bool whole = &output == &answer_.outputs[0];
        instance.context->outputs.push_back(std::make_shared<const Schema>(whole ? output.schema : only_read(output)));
      }
      instance.op = must(make_(*instance.context));
      if (source == nullptr) continue;
      must(instance.store->restore(*source));
      instance.writer->restored(*source);
    }
  }

  Schema only_read(const OutputPlan& output) const {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < output.schema.fields.size(); ++i) {
      const ColumnRef& ref = output.lineage[i].front();
      if (schemas_[ref.input]->find(ref.column)) kept.push_back(i);
    }
    return project(output.schema, kept);
  }

  void drain(Operator& op, Emitter& out) {
    for (; op.has_more(); ++turns) must(op.more(out));
  }

  Make make_;
  Values values_;
  std::vector<PlanInput> inputs_;
  std::vector<SchemaPtr> schemas_;
  PlanAnswer answer_;
  TempDir dir_;
  std::vector<Instance> instances_;
  Microseconds watermark_ = kNoWatermark;
  std::uint64_t epoch_ = 0;
  std::uint32_t attempt_ = 1;
};

}  // namespace stream::test
