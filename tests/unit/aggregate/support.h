// A harness around one operator: options as text, rows as text, outputs gathered.
#pragma once

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/aggregate/design.h"
#include "stages/aggregate/make.h"
#include "stages/kit/stage.h"

namespace stream::test {

template <class T>
T take(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.ok(), result.status().what());
  return *std::move(result);
}
inline void require_ok(const Status& status) { BOOST_REQUIRE_MESSAGE(status.ok(), status.what()); }

struct Options {
  std::string compute;
  std::vector<std::string> by = {};
  std::string window = {};
  std::string lateness = "0s";
  std::string zone = "UTC";
  std::string emit = {};
  std::string clock = {};
  std::string early = {};
  std::string combine = "auto";
  std::string phase = {};
  std::string ttl = {};

  Values values() const {
    Values out;
    out.set("compute", std::vector<SelectItem>{{"", compute}});
    if (!by.empty()) out.set("by", by);
    if (!window.empty()) out.set("window", window);
    out.set("lateness", lateness);
    out.set("zone", zone);
    if (!emit.empty()) out.set("emit", emit);
    if (!clock.empty()) out.set("clock", clock);
    if (!early.empty()) out.set("early", early);
    out.set("combine", combine);
    if (!phase.empty()) out.set("phase", phase);
    if (!ttl.empty()) out.set("ttl", ttl);
    return out;
  }
};

inline std::string cell_text(const Column& column, std::size_t row) {
  if (!column.valid(row)) return "NULL";
  switch (column.type().width()) {
    case 0: return std::string(column.bytes(row));
    case 1: return std::to_string(column.value<std::uint8_t>(row));
    case 4: return std::to_string(column.value<std::int32_t>(row));
    case 16: {
      if (column.type() == kInterval) {
        const auto v = column.value<Interval>(row);
        return std::to_string(v.months) + "m" + std::to_string(v.days) + "d" + std::to_string(v.microseconds);
      }
      return std::to_string(static_cast<long double>(column.value<Decimal>(row)));
    }
    default: break;
  }
  if (column.type() == kDouble) return std::to_string(column.value<double>(row));
  return std::to_string(column.value<std::int64_t>(row));
}

inline std::string row_of(const Batch& batch, std::size_t row) {
  std::string out;
  for (std::size_t c = 0; c < batch.columns.size(); ++c) out += (c == 0 ? "" : "|") + cell_text(batch.columns[c], row);
  return out;
}

class Gather final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t output) override {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      if (output == kLateOutput)
        late.push_back(row_of(batch, i));
      else
        change(batch.kind(i), row_of(batch, i));
    }
    ++batches;
    return {};
  }
  Status bad_record(BadRecord record) override {
    bad.push_back(record.reason);
    return {};
  }
  void late_records(std::uint64_t count, std::size_t) override { late_count += count; }
  // Every other call: whatever is done in pieces is.
  bool full() const override { return (asked_ = !asked_); }

  void change(RowKind kind, const std::string& row) {
    const bool add = kind == RowKind::kInsert || kind == RowKind::kUpdateAfter;
    log.push_back((add ? "+" : "-") + row);
    const std::string key = row.substr(0, row.find('|'));
    if (add)
      table[key] = row;
    else
      table.erase(key);
    if (by_key) return;
    if (add) {
      BOOST_REQUIRE_MESSAGE(rows.insert(row).second, "twice: " + row);
    } else {
      BOOST_REQUIRE_MESSAGE(rows.erase(row) == 1, "was not there: " + row);
    }
  }

  bool by_key = false;                       // an insertion may replace a row
  std::set<std::string> rows;                // what the changes make
  std::map<std::string, std::string> table;  // the same, by the first column
  std::vector<std::string> log;
  std::vector<std::string> late;
  std::size_t late_count = 0;
  std::vector<std::string> bad;
  std::size_t batches = 0;

 private:
  mutable bool asked_ = false;
};

// An aggregate with its own store.
class Running {
 public:
  Running(const Options& options, Schema input, StoreOptions store_options = {}, const Clock& clock = system_clock())
      : values_(options.values()),
        input_(std::make_shared<const Schema>(std::move(input))),
        plan_(plan_aggregate({values_, {{"in", *input_}}, "/", 1, "per-key"})),
        store_(store_options) {
    for (const PlanError& error : plan_.errors) BOOST_FAIL(error.message);
    Context context{values_, "/", {input_}, {}, store_, clock, "", "per-key", ""};
    context.supervised = true;
    context.instance = store_options.instance;
    context.parallelism = store_options.parallelism;
    for (const OutputPlan& output : plan_.outputs)
      context.outputs.push_back(std::make_shared<const Schema>(output.schema));
    op_ = take(make_aggregate(context));
  }

  void batch(const Batch& rows, Gather& out) {
    if (rows.rows == 0) return;
    require_ok(op_->on_batch(0, rows, out));
    drain(out);
  }
  void watermark(Microseconds at, Gather& out) {
    require_ok(op_->on_watermark(at, out));
    drain(out);
  }
  void time(Microseconds now, Gather& out) {
    require_ok(op_->on_time(now, out));
    drain(out);
  }
  void end(Gather& out) {
    watermark(kEndOfTime, out);
    require_ok(op_->on_end(out));
    drain(out);
  }

  Operator& op() { return *op_; }
  StateStore& store() { return store_; }
  const PlanAnswer& plan() const { return plan_; }
  const SchemaPtr& input() const { return input_; }

 private:
  void drain(Gather& out) {
    while (op_->has_more()) require_ok(op_->more(out));
  }

  Values values_;
  SchemaPtr input_;
  PlanAnswer plan_;
  StateStore store_;
  std::unique_ptr<Operator> op_;
};

}  // namespace stream::test
