// stream-flood: a source for measuring. It costs next to nothing, so that what is measured is what
// stands behind it. Not installed.
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "stages/kit/stage.h"

namespace stream {
namespace {

constexpr Microseconds kTick = 100;  // records are made in bursts, at most so often

Schema schema_of(std::int64_t columns) {
  Schema schema;
  schema.fields.push_back({"created", kBigint});
  for (std::int64_t i = 1; i <= columns; ++i) schema.fields.push_back({"c" + std::to_string(i), kBigint});
  return schema;
}

class Flood final : public Source {
 public:
  Flood(const Context& context)
      : schema_(context.outputs[0]),
        clock_(context.clock),
        left_(static_cast<std::size_t>(context.options.integer("rows"))),
        rate_(context.options.integer("rate")),
        period_(rate_ == 0 ? 0 : std::max(kTick, 1'000'000 / rate_)),
        burst_(static_cast<std::size_t>(rate_ * period_ / 1'000'000)),
        rows_max_(std::min(kBatchRowsMax, kBatchBytesTarget / (8 * schema_->fields.size()))),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    ByteBuilder numbers;
    for (std::size_t i = 0; i < rows_max_; ++i) numbers.append_value(static_cast<std::int64_t>(i));
    numbers_ = numbers.finish();
  }
  ~Flood() override { ::close(timer_); }

  Result<Poll> poll(Emitter& out) override {
    if (left_ == 0) return Poll::kEnd;
    const Microseconds now = clock_.monotonic_us();
    if (next_tick_ == 0) next_tick_ = now;
    if (rate_ != 0 && next_tick_ > now) return sleep(now);
    ByteBuilder created;
    std::size_t rows = 0;
    if (rate_ == 0) {
      rows = std::min(rows_max_, left_);
      append(created, rows, now);
    }
    // Late records keep the time they should have been made at: waiting counts as latency.
    for (; rate_ != 0 && next_tick_ <= now && rows < rows_max_ && rows < left_; next_tick_ += period_) {
      const std::size_t burst = std::min({burst_, rows_max_ - rows, left_ - rows});
      append(created, burst, next_tick_);
      rows += burst;
    }
    left_ -= rows;
    Batch batch{schema_, rows, {{kBigint, rows, {}, created.finish()}}, {}};
    for (std::size_t i = 1; i < schema_->fields.size(); ++i) {
      batch.columns.emplace_back(kBigint, rows, Buffer(), Buffer(numbers_.owner(), numbers_.data(), 8 * rows));
    }
    STREAM_TRY(out.emit(std::move(batch)));
    return Poll::kMore;
  }

  int wake_fd() const override { return timer_; }
  Microseconds idle_wait() const override { return wait_; }

 private:
  static void append(ByteBuilder& created, std::size_t rows, Microseconds at) {
    auto* out = reinterpret_cast<Microseconds*>(created.extend(8 * rows));
    std::fill_n(out, rows, at);
  }

  Poll sleep(Microseconds now) {
    wait_ = next_tick_ - now;
    std::uint64_t expired = 0;
    [[maybe_unused]] const ssize_t n = ::read(timer_, &expired, sizeof expired);
    itimerspec at{};
    at.it_value = {next_tick_ / 1'000'000, next_tick_ % 1'000'000 * 1000};
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr);
    return Poll::kIdle;
  }

  SchemaPtr schema_;
  const Clock& clock_;
  std::size_t left_;
  std::int64_t rate_;
  Microseconds period_;
  std::size_t burst_;
  std::size_t rows_max_;
  int timer_;
  Buffer numbers_;
  Microseconds next_tick_ = 0;
  Microseconds wait_ = 0;
};

PlanAnswer plan(const PlanRequest& request) {
  PlanAnswer answer;
  OutputPlan output{"out", schema_of(request.options.integer("columns")), {}};
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  answer.exactly_once = false;
  answer.parallelism_max = 1;
  return answer;
}

Result<std::unique_ptr<Source>> make(Context& context) {
  return std::unique_ptr<Source>(std::make_unique<Flood>(context));
}

constexpr Option kOptions[] = {
    {.name = "rows", .arg = "N", .doc = "How many rows.", .kind = OptionKind::kInteger, .required = true},
    {.name = "rate",
     .arg = "N",
     .doc = "Rows a second, in bursts of 100 us; 0: as fast as possible.",
     .kind = OptionKind::kInteger,
     .fallback = "0"},
    {.name = "columns",
     .arg = "N",
     .doc = "BIGINT columns beside 'created'.",
     .kind = OptionKind::kInteger,
     .fallback = "1"},
};

constexpr StageProgram kProgram = {
    .name = "flood",
    .summary = "make rows for measuring, at next to no cost",
    .description = "Each row says in 'created' when it was due, in microseconds of the machine's monotonic clock.",
    .kind = StageKind::kSource,
    .options = kOptions,
    .inputs_max = 0,
    .plan = plan,
    .make_source = make,
};

}  // namespace
}  // namespace stream

int main(int argc, char** argv) { return stream::stage_main(stream::kProgram, argc, argv); }
