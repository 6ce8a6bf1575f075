// What state costs: upserts, the pause of a capture, time to durable, restore, savepoints.
//
//   cmake --build build/release --target bench-snapshot && build/release/tests/bench-snapshot
#include <benchmark/benchmark.h>

#include <random>

#include "snapshot/savepoint.h"
#include "snapshot/snapshot_writer.h"
#include "snapshot/state_store.h"
#include "tests/support/temp_dir.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kBatchRows = 8192;
constexpr std::size_t kKey[] = {0};

TableSpec sums_spec() {
  TableSpec spec;
  spec.name = "sums";
  spec.key = {{"n", kBigint}};
  spec.value = {{"count", kBigint}, {"sum", kBigint}};
  return spec;
}

Batch keys_of(std::mt19937_64& random, std::size_t keys, std::size_t rows) {
  ColumnBuilder column(kBigint, rows);
  for (std::size_t i = 0; i < rows; ++i) column.append(static_cast<std::int64_t>(random() % keys));
  return {nullptr, rows, {column.finish()}, {}};
}

struct Rows {
  explicit Rows(std::size_t count) : hashes(count), rows(count) {}
  std::vector<std::uint64_t> hashes;
  std::vector<Row> rows;
};

// In pieces, as an operator works: each is still in the cache when its rows are updated.
void add(StateTable& table, const Batch& batch, Rows& at) {
  constexpr std::size_t kPiece = 1024;
  const auto* values = batch.columns[0].values<std::int64_t>();
  const std::size_t count = table.layout().offset(1);
  const std::size_t sum = table.layout().offset(2);
  for (std::size_t begin = 0; begin < batch.rows; begin += kPiece) {
    const std::size_t size = std::min(kPiece, batch.rows - begin);
    const auto rows = std::span(at.rows).first(size);
    table.upsert(batch, kKey, std::span(at.hashes).subspan(begin, size), rows, {}, begin);
    for (std::size_t i = 0; i < size; ++i) {
      *reinterpret_cast<std::int64_t*>(rows[i].at + count) += 1;
      *reinterpret_cast<std::int64_t*>(rows[i].at + sum) += values[begin + i];
    }
  }
}

// Every key 0 … keys - 1 once.
void fill(StateTable& table, std::size_t keys) {
  Rows at(kBatchRows);
  for (std::size_t begin = 0; begin < keys; begin += kBatchRows) {
    ColumnBuilder column(kBigint, kBatchRows);
    for (std::size_t i = 0; i < kBatchRows; ++i) column.append(static_cast<std::int64_t>((begin + i) % keys));
    const Batch batch{nullptr, kBatchRows, {column.finish()}, {}};
    hash_keys(batch, kKey, at.hashes);
    add(table, batch, at);
  }
}

void upserts(benchmark::State& state, bool hash) {
  const auto keys = static_cast<std::size_t>(state.range(0));
  StateTable table(sums_spec());
  fill(table, keys);
  std::mt19937_64 random(1);
  std::vector<Batch> batches;
  std::vector<Rows> at;
  for (int i = 0; i < 64; ++i) {
    batches.push_back(keys_of(random, keys, kBatchRows));
    at.emplace_back(kBatchRows);
    hash_keys(batches.back(), kKey, at.back().hashes);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    if (hash) hash_keys(batches[next], kKey, at[next].hashes);
    add(table, batches[next], at[next]);
    next = (next + 1) % batches.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBatchRows));
}

void BM_UpsertCountSum(benchmark::State& state) { upserts(state, false); }
void BM_HashUpsertCountSum(benchmark::State& state) { upserts(state, true); }
BENCHMARK(BM_UpsertCountSum)->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);
BENCHMARK(BM_HashUpsertCountSum)->Arg(1'000'000);

WriterOptions writer_options(const TempDir& dir) {
  WriterOptions options;
  options.identity.job = "bench";
  options.identity.run = std::string(32, '0');
  options.identity.stage = "sums";
  options.checkpoints = dir / "checkpoints";
  options.scratch = dir / "scratch";
  return options;
}

// A tenth of the rows changed: the pause of the loop, then the writer's way to durable.
void BM_Capture(benchmark::State& state) {
  const bool durable = state.range(0) != 0;
  const auto keys = static_cast<std::size_t>(state.range(1));
  const TempDir dir;
  StateStore store;
  StateTable& table = store.table(sums_spec());
  fill(table, keys);
  SnapshotWriter writer(system_files(), writer_options(dir));
  std::uint64_t epoch = 1;
  if (!writer.write(store.capture(Epoch(epoch))).ok()) state.SkipWithError("write");
  store.completed(Epoch(epoch));
  std::mt19937_64 random(2);
  Rows at(kBatchRows);
  for (auto _ : state) {
    state.PauseTiming();
    for (std::size_t left = keys / 10; left > 0;) {
      const Batch batch = keys_of(random, keys, kBatchRows);
      hash_keys(batch, kKey, at.hashes);
      add(table, batch, at);
      left -= std::min(left, kBatchRows);
    }
    if (!durable) state.ResumeTiming();
    Capture capture = store.capture(Epoch(++epoch));
    if (!durable) state.PauseTiming();
    state.counters["rows"] = static_cast<double>(capture.rows());
    if (durable) state.ResumeTiming();
    if (!writer.write(std::move(capture)).ok()) state.SkipWithError("write");
    if (durable) state.PauseTiming();
    store.completed(Epoch(epoch));
    state.ResumeTiming();
  }
}
BENCHMARK(BM_Capture)
    ->ArgNames({"durable", "keys"})
    ->Args({0, 1'000'000})
    ->Args({1, 1'000'000})
    ->Args({0, 10'000'000})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(30)
    ->UseRealTime();

// About 100 MB of state: 3 M rows of 3 BIGINTs in memory.
void BM_Restore(benchmark::State& state) {
  const TempDir dir;
  RestoreSource source{dir / "checkpoints", Epoch(1), 1, {}, true};
  {
    StateStore store;
    fill(store.table(sums_spec()), 3'000'000);
    SnapshotWriter writer(system_files(), writer_options(dir));
    const Result<InstanceFiles> files = writer.write(store.capture(Epoch(1)));
    if (!files.ok()) return state.SkipWithError("write");
    source.instances = {*files};
    state.counters["MB"] = static_cast<double>(files->files[0].size_bytes) / 1e6;
  }
  for (auto _ : state) {
    StateStore store;
    store.table(sums_spec());
    if (!store.restore(source).ok()) state.SkipWithError("restore");
    benchmark::DoNotOptimize(store.rows());
  }
}
BENCHMARK(BM_Restore)->Unit(benchmark::kMillisecond)->UseRealTime();

// An aggregate of several calls, its state read from a base and written as plain rows. By instructions:
//   valgrind --tool=callgrind --toggle-collect='stream::build_savepoint*' bench-snapshot --benchmark_filter=Savepoint
void BM_Savepoint(benchmark::State& state) {
  const auto keys = static_cast<std::size_t>(state.range(0));
  const TempDir dir;
  CheckpointIndex index;
  index.job = "bench";
  index.epoch = Epoch(1);
  index.stages = {{"sums", 1}};
  {
    StateStore store;
    TableSpec spec = sums_spec();
    for (const char* name : {"top", "low", "latest", "earliest"}) spec.value.push_back({name, kBigint});
    spec.value.push_back({"mean", kDouble});
    fill(store.table(spec), keys);
    SnapshotWriter writer(system_files(), writer_options(dir));
    const Result<InstanceFiles> files = writer.write(store.capture(Epoch(1)));
    if (!files.ok()) return state.SkipWithError("write");
    index.instances = {{"sums", 0, files->files, {}}};
  }
  int number = 0;
  for (auto _ : state) {
    SavepointRequest request;
    request.index = index;
    request.checkpoints = dir / "checkpoints";
    request.target = dir / ("savepoint" + std::to_string(++number));
    if (const auto built = build_savepoint(system_files(), request); !built.ok()) state.SkipWithError("build");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Savepoint)->Arg(200'000)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace stream

BENCHMARK_MAIN();
