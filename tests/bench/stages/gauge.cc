// stream-gauge: a sink for measuring. Appends a line of JSON to a file when its first row is there,
// and one when its input has ended. Times are those of the machine's monotonic clock. Not installed.
#include <cstdio>
#include <map>

#include "stages/kit/stage.h"

namespace stream {
namespace {

class Gauge final : public Sink {
 public:
  Gauge(const Context& context)
      : clock_(context.clock),
        path_(context.options.text("path")),
        warm_up_(context.options.duration("warm-up")),
        created_(context.inputs[0]->find("created")) {}

  Status on_batch(std::size_t /*input*/, Batch batch, Emitter& /*out*/) override {
    last_us_ = clock_.monotonic_us();
    if (rows_ == 0) {
      first_us_ = last_us_;
      STREAM_TRY(write("{\"first_us\":" + std::to_string(first_us_) + "}"));
    }
    rows_ += batch.rows;
    bytes_ += batch.size_bytes();
    for (const Column& column : batch.columns) read(column);
    if (created_) measure(batch.columns[*created_]);
    return {};
  }

  Status on_end() override {
    std::string line = "{\"rows\":" + std::to_string(rows_) + ",\"bytes\":" + std::to_string(bytes_) +
                       ",\"us\":" + std::to_string(last_us_ - first_us_);
    for (const auto& [name, share] :
         {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
      line += std::string(",\"") + name + "\":" + std::to_string(percentile(share));
    }
    return write(line + ",\"sum\":" + std::to_string(sum_) + "}");
  }

  Status prepare(Epoch /*epoch*/) override { return {}; }
  Status commit(Epoch /*epoch*/) override { return {}; }
  Status on_restored(Epoch /*epoch*/) override { return {}; }
  Status rewind(Epoch /*epoch*/) override { return {}; }

 private:
  // Rows that nobody looks at would not be worth sending.
  void read(const Column& column) {
    if (column.type() != kBigint) return;
    const auto* values = column.values<std::uint64_t>();
    for (std::size_t i = 0; i < column.size(); ++i) sum_ += values[i];
  }

  void measure(const Column& created) {
    const auto* at = created.values<Microseconds>();
    if (measure_from_ == 0) measure_from_ = at[0] + warm_up_;
    for (std::size_t i = 0; i < created.size();) {
      std::size_t end = i;
      while (end < created.size() && at[end] == at[i]) ++end;
      if (at[i] >= measure_from_) latencies_[last_us_ - at[i]] += end - i;
      i = end;
    }
  }

  Microseconds percentile(double share) const {
    std::uint64_t all = 0;
    for (const auto& [latency, rows] : latencies_) all += rows;
    double left = share * static_cast<double>(all);
    for (const auto& [latency, rows] : latencies_) {
      left -= static_cast<double>(rows);
      if (left <= 0) return latency;
    }
    return latencies_.empty() ? 0 : latencies_.rbegin()->first;
  }

  Status write(const std::string& line) const {
    std::FILE* file = std::fopen(path_.c_str(), "ae");
    if (file == nullptr) return {Code::kSystem, "unable to open '" + path_ + "'"};
    std::fprintf(file, "%s\n", line.c_str());
    return std::fclose(file) == 0 ? Status() : Status(Code::kSystem, "unable to write '" + path_ + "'");
  }

  const Clock& clock_;
  std::string path_;
  Microseconds warm_up_;
  std::optional<std::size_t> created_;
  std::map<Microseconds, std::uint64_t> latencies_;  // rows by latency
  Microseconds measure_from_ = 0;
  Microseconds first_us_ = 0;
  Microseconds last_us_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t sum_ = 0;
};

PlanAnswer plan(const PlanRequest& request) {
  PlanAnswer answer;
  InputPlan input;
  for (const Field& field : request.inputs[0].schema.fields) input.needs.push_back(field.name);
  answer.inputs.push_back(std::move(input));
  answer.exactly_once = false;
  answer.visible = "never";
  answer.parallelism_max = 1;
  return answer;
}

Result<std::unique_ptr<Sink>> make(Context& context) { return std::unique_ptr<Sink>(std::make_unique<Gauge>(context)); }

constexpr Option kOptions[] = {
    {.name = "path",
     .arg = "FILE",
     .doc = "The lines are appended to it; an absolute path.",
     .positional = true,
     .required = true},
    {.name = "warm-up",
     .arg = "DURATION",
     .doc = "Rows made before it is over have no part in the latencies.",
     .kind = OptionKind::kDuration,
     .fallback = "1s"},
};

constexpr StageProgram kProgram = {
    .name = "gauge",
    .summary = "measure what arrives",
    .description = "Counts rows and bytes, and takes the time since each row's 'created', if there is that column.",
    .kind = StageKind::kSink,
    .options = kOptions,
    .plan = plan,
    .make_sink = make,
};

}  // namespace
}  // namespace stream

int main(int argc, char** argv) { return stream::stage_main(stream::kProgram, argc, argv); }
