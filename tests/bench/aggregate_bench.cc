// Rows per second of stream-aggregate's operator, one core. Build: cmake --build … --target aggregate-bench
#include <benchmark/benchmark.h>

#include <random>

#include "snapshot/state_store.h"
#include "stages/aggregate/make.h"

using namespace stream;

namespace {

constexpr std::size_t kRows = 16'384;
constexpr std::size_t kBatches = 32;

class Discard final : public Emitter {
 public:
  Status emit(Batch batch, std::size_t) override {
    rows += batch.rows;
    return {};
  }
  Status bad_record(BadRecord) override { return {}; }
  void late_records(std::uint64_t, std::size_t) override {}
  bool full() const override { return false; }
  std::size_t rows = 0;
};

SchemaPtr input_schema() {
  Schema schema = *parse_schema("k bigint, name varchar, v bigint, d double, ts timestamp");
  schema.time = 4;
  return std::make_shared<const Schema>(schema);
}

std::vector<Batch> input(const SchemaPtr& schema, std::uint64_t keys) {
  std::mt19937_64 random(1);
  std::vector<Batch> batches;
  std::int64_t now = 0;
  for (std::size_t b = 0; b < kBatches; ++b) {
    BatchBuilder builder(schema);
    for (std::size_t i = 0; i < kRows; ++i) {
      const auto key = static_cast<std::int64_t>(random() % keys);
      builder.column(0).append(key);
      builder.column(1).append_bytes("host-" + std::to_string(key));
      builder.column(2).append(static_cast<std::int64_t>(random() % 1000));
      builder.column(3).append(static_cast<double>(random() % 1000));
      builder.column(4).append(now += 500);
      builder.end_row();
    }
    batches.push_back(builder.finish());
  }
  return batches;
}

// The same rows at the times that come next, 20,000 a second.
Batch at_times(Batch batch, std::int64_t& now) {
  ColumnBuilder times(kTimestamp, batch.rows);
  for (std::size_t i = 0; i < batch.rows; ++i) times.append(now += 50);
  batch.columns[4] = times.finish();
  return batch;
}

void run(benchmark::State& state, const std::string& by, const std::string& compute, const std::string& emit,
         const std::string& window = {}) {
  Values values;
  if (!by.empty()) values.set("by", std::vector<std::string>{by});
  values.set("compute", std::vector<SelectItem>{{"", compute}});
  values.set("lateness", std::string("0s"));
  values.set("zone", std::string("UTC"));
  if (!emit.empty()) values.set("emit", emit);
  if (!window.empty()) values.set("window", window);
  const SchemaPtr schema = input_schema();
  const PlanAnswer plan = plan_aggregate({values, {{"in", *schema}}, "/", 1, "bench"});
  StateStore store;
  Context context{
      values, "/",     {schema}, {std::make_shared<const Schema>(plan.outputs.at(0).schema)}, store, system_clock(),
      "",     "bench", ""};
  const auto op = *make_aggregate(context);
  const std::vector<Batch> batches = input(schema, static_cast<std::uint64_t>(state.range(0)));
  Discard out;
  std::size_t at = 0;
  std::int64_t now = 0;
  for (auto _ : state) {
    if (window.empty()) {
      if (!op->on_batch(0, batches[at], out).ok()) std::abort();
    } else {
      if (!op->on_batch(0, at_times(batches[at], now), out).ok() || !op->on_watermark(now, out).ok()) std::abort();
    }
    at = (at + 1) % kBatches;
  }
  benchmark::DoNotOptimize(out.rows);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
}

}  // namespace

BENCHMARK_CAPTURE(run, bigint_count_sum, "k", "count(*), sum(v)", "final")->Arg(1000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(run, varchar_count_sum, "name", "count(*), sum(v)", "final")->Arg(1000)->Arg(100'000);
BENCHMARK_CAPTURE(run, global_count_sum, "", "count(*), sum(v)", "final")->Arg(1000);
BENCHMARK_CAPTURE(run, bigint_all, "k", "count(*), sum(v), min(v), max(d), avg(d)", "final")->Arg(1000);
BENCHMARK_CAPTURE(run, bigint_updates, "k", "count(*), sum(v)", "updates")->Arg(1000)->Arg(100'000);
BENCHMARK_CAPTURE(run, distinct, "k", "count(distinct v)", "final")->Arg(1000);
BENCHMARK_CAPTURE(run, tumble, "k", "count(*), sum(v)", "", "tumble 10s")->Arg(1000)->Arg(100'000);
BENCHMARK_CAPTURE(run, hop, "k", "count(*), sum(v)", "", "hop 10s every 2s")->Arg(1000)->Arg(100'000);
BENCHMARK_CAPTURE(run, hop_distinct, "k", "count(distinct v)", "", "hop 10s every 2s")->Arg(1000);
BENCHMARK_CAPTURE(run, cumulate, "k", "count(*), sum(v)", "", "cumulate 60s every 2s")->Arg(1000)->Arg(100'000);
BENCHMARK_CAPTURE(run, session, "k", "count(*), sum(v)", "", "session 1s")->Arg(1000)->Arg(100'000);
BENCHMARK_CAPTURE(run, session_ends, "k", "count(*), sum(v)", "", "session 10ms")->Arg(1000)->Arg(100'000);

BENCHMARK_MAIN();
