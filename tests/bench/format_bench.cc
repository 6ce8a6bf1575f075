// Records per second of the decoders and encoders, one core. Build: cmake --build … --target format-bench
#include <benchmark/benchmark.h>

#include <random>

#include "stages/format/decoder.h"
#include "stages/format/encoder.h"
#include "stages/format/input_buffer.h"
#include "stages/format/ndjson.h"
#include "stages/format/timestamp.h"

using namespace stream;

namespace {

constexpr std::size_t kRecords = 20'000;
constexpr const char* kSchema =
    "id bigint, ts timestamp, host varchar, path varchar, status bigint, ms double, ok boolean, user varchar";

std::string value(std::mt19937_64& random, int column, bool json) {
  const auto text = [&](std::string raw) { return json ? '"' + raw + '"' : raw; };
  switch (column) {
    case 0: return std::to_string(random() % 1'000'000'000);
    case 1: return text("2024-05-06T07:0" + std::to_string(random() % 10) + ":12.345Z");
    case 2: return text("web-" + std::to_string(random() % 100));
    case 3: return text("/items/" + std::to_string(random() % 100'000));
    case 4: return std::to_string(200 + random() % 300);
    case 5: return std::to_string(static_cast<double>(random() % 100'000) / 100).substr(0, 6);
    case 6: return random() % 2 == 0 ? "true" : "false";
    default: return text("user" + std::to_string(random() % 10'000));
  }
}

std::string ndjson() {
  static const char* names[] = {"id", "ts", "host", "path", "status", "ms", "ok", "user"};
  std::mt19937_64 random(1);
  std::string out;
  for (std::size_t i = 0; i < kRecords; ++i) {
    for (int c = 0; c < 8; ++c) {
      out += std::string(c == 0 ? "{\"" : ",\"") + names[c] + "\":" + value(random, c, true);
    }
    out += "}\n";
  }
  return out;
}

std::string csv() {
  std::mt19937_64 random(1);
  std::string out = "id,ts,host,path,status,ms,ok,user\n";
  for (std::size_t i = 0; i < kRecords; ++i) {
    for (int c = 0; c < 8; ++c) out += value(random, c, false) + (c == 7 ? "\n" : ",");
  }
  return out;
}

void decode(benchmark::State& state, const std::string& input, Format format, const std::vector<std::size_t>& columns,
            bool speculate) {
  const auto declared = std::make_shared<const Schema>(*parse_schema(kSchema));
  const auto wanted = std::make_shared<const Schema>(project(*declared, columns));
  FormatOptions options;
  options.format = format;
  InputBuffer buffer(input.size());
  buffer.append(input);
  BatchBuilder batch(wanted);
  std::size_t records = 0;
  for (auto _ : state) {
    auto decoder = *make_decoder({options, declared, wanted, {}});
    if (auto* json = dynamic_cast<format::NdjsonDecoder*>(decoder.get())) json->speculate(speculate);
    for (std::string_view rest = buffer.bytes(); !rest.empty();) {
      rest.remove_prefix(*decoder->decode(rest, true, batch));
      records += batch.rows();
      benchmark::DoNotOptimize(batch.finish());
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(records));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
}

void ndjson_3_of_8(benchmark::State& state) { decode(state, ndjson(), Format::kNdjson, {0, 2, 4}, true); }
void ndjson_3_of_8_with_time(benchmark::State& state) { decode(state, ndjson(), Format::kNdjson, {1, 2, 5}, true); }
void ndjson_all(benchmark::State& state) { decode(state, ndjson(), Format::kNdjson, {0, 1, 2, 3, 4, 5, 6, 7}, true); }
void ndjson_3_of_8_by_key(benchmark::State& state) { decode(state, ndjson(), Format::kNdjson, {0, 2, 4}, false); }
void csv_3_of_8(benchmark::State& state) { decode(state, csv(), Format::kCsv, {0, 2, 4}, true); }
void csv_all(benchmark::State& state) { decode(state, csv(), Format::kCsv, {0, 1, 2, 3, 4, 5, 6, 7}, true); }
BENCHMARK(ndjson_3_of_8);
BENCHMARK(ndjson_3_of_8_with_time);
BENCHMARK(ndjson_all);
BENCHMARK(ndjson_3_of_8_by_key);
BENCHMARK(csv_3_of_8);
BENCHMARK(csv_all);

void encode(benchmark::State& state, OutputFormat output) {
  const auto schema = std::make_shared<const Schema>(*parse_schema(kSchema));
  auto decoder = *make_decoder({{}, schema, schema, {}});
  InputBuffer buffer;
  buffer.append(ndjson());
  BatchBuilder builder(schema);
  (void)*decoder->decode(buffer.bytes(), true, builder);
  const Batch batch = builder.finish();
  EncoderOptions options;
  options.format = output;
  const auto encoder = make_encoder(options, schema);
  ByteBuilder out;
  for (auto _ : state) {
    out.shrink(0);
    encoder->encode(batch, out);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch.rows));
}
void encode_ndjson(benchmark::State& state) { encode(state, OutputFormat::kNdjson); }
void encode_csv(benchmark::State& state) { encode(state, OutputFormat::kCsv); }
BENCHMARK(encode_ndjson);
BENCHMARK(encode_csv);

void timestamp(benchmark::State& state) {
  std::string text = "2024-05-06T07:08:09.123Z";
  std::int64_t instant = 0;
  std::uint64_t ambiguous = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::DoNotOptimize(format::parse_rfc3339(text, nullptr, instant, ambiguous));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(timestamp);

}  // namespace

BENCHMARK_MAIN();
