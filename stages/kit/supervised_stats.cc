#include "stages/kit/supervised_instance.h"

#include <sys/resource.h>

#include <algorithm>

#include "snapshot/state_arena.h"
#include "snapshot/state_memory.h"

namespace stream {
namespace {

// User and system, of all threads.
Microseconds cpu_us() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * Microseconds{1'000'000} + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

}  // namespace

Status SupervisedInstance::send_stats(RunLoop& loop, Microseconds /*now*/) {
  InstanceStats stats;
  const LoopCounters& in = loop.counters();
  const OutputCounters out = loop.outputs().counters();
  stats.records_in = in.records_in - (loop.stage().op ? loop.stage().op->rows_left() : 0);
  stats.bytes_in = in.bytes_in;
  stats.records_out = out.records;
  stats.bytes_out = out.bytes;
  stats.frames_out = out.frames;
  stats.bad_records = bad_records_.count();
  stats.late_records = loop.late_records();
  stats.latencies_us = loop.take_latencies();
  stats.total_us = loop.running_us();
  stats.idle_us = in.idle_us;
  stats.backpressured_us = in.backpressured_us;
  stats.cpu_us = cpu_us();
  stats.queued_bytes = loop.outputs().queued_bytes();
  stats.watermark = loop.watermark();
  stats.watermark_idle = loop.watermark_idle();
  stats.ahead = loop.ahead();
  stats.watermark_held_by = loop.watermark_held_by().value_or("");
  stats.state_rows = store_.rows();
  stats.state_bytes = store_.size_bytes();
  stats.spilled_bytes = StateMemory::spilled_bytes();
  stats.resident_bytes = resident_bytes();
  stats.turns = in.turns;
  stats.ended = loop.ended();
  const SpoolPosition spool = spool_position();
  stats.spool_input = spool.input;
  stats.spool_offset = spool.offset;
  if (const auto pending = stage_.source ? stage_.source->pending_records() : std::nullopt)
    stats.pending_records = static_cast<std::int64_t>(std::min<std::uint64_t>(*pending, INT64_MAX));
  if (in.emitted_us != 0) stats.source_idle_us = system_clock().monotonic_us() - in.emitted_us;
  stats.emit_lag_us = in.emitted_age_us.value_or(kNoLag);
  stats.user_counters = context_->metrics->counters();
  stats.user_gauges = context_->metrics->gauges();
  stats.user_meters = context_->metrics->meters();
  stats.user_histograms = context_->metrics->histograms();
  stats.trouble = trouble();
  return control_.send(to_json(stats));
}

}  // namespace stream
