// A generator that is one of several instances, and what it has emitted.
#pragma once

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/generate/generate.h"
#include "stages/generate/nexmark.h"

namespace stream::test {

inline void require_ok(const Status& status) { BOOST_REQUIRE_MESSAGE(status.ok(), status.what()); }

inline Values nexmark_options(std::map<std::string, std::string> more = {}) {
  Values values;
  values.set("nexmark", "true");
  values.set("seed", "1");
  for (auto& [name, value] : more) values.set(name, value);
  return values;
}

class Gather final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t output) override {
    batches[output].push_back(std::move(batch));
    return {};
  }
  Status bad_record(BadRecord record) override { return failed(record.reason); }
  void late_records(std::uint64_t, std::size_t) override {}
  bool full() const override { return false; }
  bool wanted(std::size_t output) const override { return unread.count(output) == 0; }

  std::map<std::size_t, std::vector<Batch>> batches;  // by output
  std::map<std::size_t, bool> unread;
};

struct Instance {
  Instance(Values options, std::uint32_t number = 0, std::uint32_t parallelism = 1)
      : values(std::move(options)), store({.instance = number, .parallelism = parallelism}) {
    const PlanAnswer plan = plan_generate({values, {}, "/", parallelism, "events"});
    for (const PlanError& error : plan.errors) BOOST_FAIL(error.message);
    context.instance = number;
    context.parallelism = parallelism;
    for (const OutputPlan& output : plan.outputs)
      context.outputs.push_back(std::make_shared<const Schema>(output.schema));
  }
  void start() {
    auto made = make_generate(context);
    require_ok(made.status());
    source = *std::move(made);
  }
  Source::Poll poll(Gather& out) {
    auto polled = source->poll(out);
    require_ok(polled.status());
    return *polled;
  }
  void run(Gather& out) {
    while (poll(out) != Source::Poll::kEnd) continue;
  }

  Values values;
  StateStore store;
  Context context{values, "/", {}, {}, store, system_clock(), "", "events", ""};
  std::unique_ptr<Source> source;
};

inline std::string cell(const Column& column, std::size_t row) {
  if (!column.valid(row)) return "NULL";
  if (column.type().variable()) return std::string(column.bytes(row));
  return std::to_string(column.value<std::int64_t>(row));
}

inline std::vector<std::string> rows_of(const std::vector<Batch>& batches) {
  std::vector<std::string> rows;
  for (const Batch& batch : batches) {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      std::string& row = rows.emplace_back();
      for (const Column& column : batch.columns) row += cell(column, i) + "|";
    }
  }
  return rows;
}

}  // namespace stream::test
