#include <algorithm>
#include <array>
#include <set>

#include "supervisor/metrics/metric.h"

namespace stream::metrics {
namespace {

using Value = std::optional<Reading>;

constexpr std::uint8_t bits(auto... scopes) { return static_cast<std::uint8_t>((static_cast<int>(scopes) | ...)); }
constexpr std::uint8_t kSupervisor = bits(Scope::kSupervisor);
constexpr std::uint8_t kReporter = bits(Scope::kReporter);
constexpr std::uint8_t kJob = bits(Scope::kJob);
constexpr std::uint8_t kHost = bits(Scope::kHost);
constexpr std::uint8_t kFlow = bits(Scope::kStage, Scope::kTask, Scope::kOperator);
constexpr std::uint8_t kLatency = bits(Scope::kLatency);
constexpr std::uint8_t kTasks = bits(Scope::kStage, Scope::kTask);

Value of(double value) { return Reading{value, 0, nullptr}; }
Value of(std::uint64_t value) { return of(static_cast<double>(value)); }
Value milliseconds(Microseconds us) { return of(static_cast<double>(us) / 1000); }
Value whole_milliseconds(Microseconds us) { return of(static_cast<double>(us / 1000)); }
Value nanoseconds(Microseconds us) { return of(static_cast<double>(us) * 1000); }

// --- of instances -------------------------------------------------------------------------------------------------
template <auto member>
std::uint64_t total(const Subject& s) {
  std::uint64_t sum = 0;
  for (const InstanceView* instance : s.instances) sum += static_cast<std::uint64_t>(instance->stats.*member);
  return sum;
}

template <auto member>
Value sum(const Subject& s) {
  return of(total<member>(s));
}

// Change per second of running time, of all together.
template <auto member>
double per_second(const Subject& s) {
  double sum = 0;
  for (const InstanceView* instance : s.instances) {
    const Microseconds elapsed = instance->stats.total_us - instance->earlier.total_us;
    const auto change = static_cast<double>(instance->stats.*member) - static_cast<double>(instance->earlier.*member);
    if (elapsed > 0 && change > 0) sum += change * 1e6 / static_cast<double>(elapsed);
  }
  return sum;
}

template <auto member>
Value meter(const Subject& s) {
  return Reading{per_second<member>(s), total<member>(s), nullptr};
}

// Milliseconds a second: of several instances the mean.
template <auto member>
double load(const Subject& s) {
  if (s.instances.empty()) return 0;
  const double mean = per_second<member>(s) / 1000 / static_cast<double>(s.instances.size());
  return std::clamp(mean, 0.0, 1000.0);
}

bool measured(const Subject& s) {
  return std::ranges::any_of(s.instances,
                             [](const InstanceView* i) { return i->stats.total_us > i->earlier.total_us; });
}

Value busy(const Subject& s) {
  if (!measured(s)) return of(0.0);
  return of(std::max(0.0, 1000 - load<&InstanceStats::idle_us>(s) - load<&InstanceStats::backpressured_us>(s)));
}
Value idle(const Subject& s) {
  return Reading{load<&InstanceStats::idle_us>(s), total<&InstanceStats::idle_us>(s) / 1000, nullptr};
}
Value backpressured(const Subject& s) { return of(load<&InstanceStats::backpressured_us>(s)); }
Value is_backpressured(const Subject& s) { return of(load<&InstanceStats::backpressured_us>(s) >= 500 ? 1.0 : 0.0); }
Value all_idle(const Subject& s) { return milliseconds(static_cast<Microseconds>(total<&InstanceStats::idle_us>(s))); }
Value all_backpressured(const Subject& s) {
  return milliseconds(static_cast<Microseconds>(total<&InstanceStats::backpressured_us>(s)));
}
Value all_busy(const Subject& s) {
  const std::uint64_t other = total<&InstanceStats::idle_us>(s) + total<&InstanceStats::backpressured_us>(s);
  const std::uint64_t all = total<&InstanceStats::total_us>(s);
  return milliseconds(static_cast<Microseconds>(all - std::min(all, other)));
}

// The lowest, where all have one that is not yet infinite.
std::optional<Microseconds> watermark(const Subject& s) {
  Microseconds lowest = INT64_MAX;
  for (const InstanceView* instance : s.instances) lowest = std::min(lowest, instance->stats.watermark);
  if (lowest == INT64_MIN || lowest == INT64_MAX) return std::nullopt;
  return lowest;
}
Value watermark_ms(const Subject& s) {
  const auto at = watermark(s);
  return at ? whole_milliseconds(*at) : Value();
}
Value input_watermark(const Subject& s) { return s.stage->role == Role::kSource ? Value() : watermark_ms(s); }
Value output_watermark(const Subject& s) { return s.stage->role == Role::kSink ? Value() : watermark_ms(s); }
Value watermark_lag(const Subject& s) {
  const auto at = watermark(s);
  return at ? whole_milliseconds(s.view.at_us - *at) : Value();
}

// Of sources, where all instances can tell.
Value pending(const Subject& s) {
  std::int64_t all = 0;
  for (const InstanceView* instance : s.instances) {
    if (instance->stats.pending_records < 0) return {};
    all += instance->stats.pending_records;
  }
  return s.instances.empty() ? Value() : of(static_cast<double>(all));
}

// The longest that any of its instances tells of; `none`: it tells of nothing.
template <auto member>
Value longest_of(const Subject& s, Microseconds none) {
  Microseconds most = none;
  for (const InstanceView* instance : s.instances) most = std::max(most, instance->stats.*member);
  return s.stage->role != Role::kSource || most == none ? Value() : whole_milliseconds(most);
}
Value source_idle(const Subject& s) { return longest_of<&InstanceStats::source_idle_us>(s, -1); }
Value emit_lag(const Subject& s) { return longest_of<&InstanceStats::emit_lag_us>(s, kNoLag); }

Value sent(const Subject& s) {
  if (s.stage->role != Role::kSink) return {};
  const std::uint64_t taken = total<&InstanceStats::records_in>(s);
  return of(taken - std::min(taken, total<&InstanceStats::bad_records>(s)));
}
Value send_errors(const Subject& s) {
  return s.stage->role == Role::kSink ? sum<&InstanceStats::bad_records>(s) : Value();
}

Value latency(const Subject& s) {
  const HistogramValue& all = s.instances.front()->latency_ms;
  return all.count == 0 ? Value() : Value(Reading{0, 0, &all});
}

Value memory_bound(const Subject& s) {
  std::uint64_t sum = 0;
  for (const InstanceView* instance : s.instances) sum += s.view.stages[instance->stage].memory_bytes;
  return of(sum);
}

template <auto member>
std::optional<Microseconds> longest(const Subject& s) {
  std::optional<Microseconds> most;
  for (const InstanceView* instance : s.instances) {
    if (instance->snapshot) most = std::max(most.value_or(0), (*instance->snapshot).*member);
  }
  return most;
}
Value alignment(const Subject& s) {
  const auto us = longest<&SnapshotTimes::alignment_us>(s);
  return us ? nanoseconds(*us) : Value();
}
Value start_delay(const Subject& s) {
  const auto us = longest<&SnapshotTimes::start_delay_us>(s);
  return us ? nanoseconds(*us) : Value();
}
Value pause(const Subject& s) {
  const auto us = longest<&SnapshotTimes::pause_us>(s);
  return us ? milliseconds(*us) : Value();
}
Value written_in(const Subject& s) {
  const auto us = longest<&SnapshotTimes::async_us>(s);
  return us ? milliseconds(*us) : Value();
}
Value in_trouble(const Subject& s) {
  const auto troubled = [](const InstanceView* instance) { return !instance->stats.trouble.empty(); };
  return of(static_cast<double>(std::ranges::count_if(s.instances, troubled)));
}
Value cpu_share(const Subject& s) { return of(per_second<&InstanceStats::cpu_us>(s) / 1e6); }
Value cpu_time(const Subject& s) { return of(static_cast<double>(total<&InstanceStats::cpu_us>(s)) * 1000); }

// --- of the job ---------------------------------------------------------------------------------------------------
template <Activity activity>
Value state_of(const Subject& s) {
  return of(s.view.totals.activity == activity ? 1.0 : 0.0);
}
template <Activity activity>
Value time_of(const Subject& s) {
  return s.view.totals.activity == activity ? whole_milliseconds(s.view.totals.activity_us) : of(0.0);
}
template <Activity activity>
Value time_total_of(const Subject& s) {
  return whole_milliseconds(s.view.totals.total_us[static_cast<std::size_t>(activity)]);
}
Value downtime(const Subject& s) {
  const JobTotals& totals = s.view.totals;
  return totals.activity == Activity::kRestarting ? whole_milliseconds(totals.activity_us) : of(0.0);
}
Value restarts(const Subject& s) { return of(s.view.restarts); }

template <auto member>
Value checkpoints(const Subject& s) {
  return of(static_cast<std::uint64_t>(s.view.totals.*member));
}
template <class Read>
Value of_last(const Subject& s, Read read) {
  return s.view.totals.last ? read(*s.view.totals.last) : Value();
}
Value last_duration(const Subject& s) {
  return of_last(s, [](const LastCheckpoint& c) { return whole_milliseconds(c.ended_us - c.triggered_us); });
}
Value last_size(const Subject& s) {
  return of_last(s, [](const LastCheckpoint& c) { return of(c.bytes); });
}
Value last_full_size(const Subject& s) {
  return of_last(s, [](const LastCheckpoint& c) { return of(c.full_bytes); });
}
Value last_id(const Subject& s) {
  return of_last(s, [](const LastCheckpoint& c) { return of(c.id); });
}
Value last_completed_at(const Subject& s) {
  return of_last(s, [](const LastCheckpoint& c) { return whole_milliseconds(c.ended_us); });
}
Value restored_at(const Subject& s) {
  return s.view.totals.restored_us == 0 ? Value() : whole_milliseconds(s.view.totals.restored_us);
}
template <auto member>
Value histogram(const Subject& s) {
  return Reading{0, 0, &(s.view.totals.*member)};
}

// --- of processes and the machine ---------------------------------------------------------------------------------
Value supervisor_cpu(const Subject& s) {
  return s.view.supervisor.cpu_share < 0 ? Value() : of(s.view.supervisor.cpu_share);
}
Value supervisor_cpu_time(const Subject& s) { return nanoseconds(s.view.supervisor.cpu_us); }
Value supervisor_memory(const Subject& s) { return of(s.view.supervisor.resident_bytes); }
Value supervisor_threads(const Subject& s) { return of(s.view.supervisor.threads); }
template <std::size_t i>
Value machine_load(const Subject& s) {
  return of(s.view.machine.load[i]);
}
Value machine_cpu(const Subject& s) {
  return s.view.machine.cpu_share < 0 ? Value() : of(s.view.machine.cpu_share * 100);
}
template <auto member>
Value machine(const Subject& s) {
  return of(s.view.machine.*member);
}
template <auto member>
Value reporter(const Subject& s) {
  return of(s.reporter->*member);
}
Value running_jobs(const Subject& s) { return of(s.view.totals.activity == Activity::kRunning ? 1.0 : 0.0); }
Value hosts(const Subject& s) {
  std::set<std::string_view> hosts;
  for (const InstanceView& instance : s.view.instances) hosts.insert(instance.host);
  return of(static_cast<double>(hosts.size()));
}
Value slots(const Subject& s) { return of(static_cast<double>(s.view.instances.size())); }
Value no_slots(const Subject&) { return of(0.0); }

constexpr auto kC = Kind::kCounter;
constexpr auto kG = Kind::kGauge;
constexpr auto kM = Kind::kMeter;
constexpr auto kH = Kind::kHistogram;

constexpr MetricDefinition kTable[] = {
    {"numRecordsIn", kFlow, kC, "records", "Records taken in; of a source none.", sum<&InstanceStats::records_in>},
    {"numRecordsInPerSecond", kFlow, kM, "records/s", "The same in a second.", meter<&InstanceStats::records_in>},
    {"numRecordsOut", kFlow, kC, "records", "Records sent on, to all outputs.", sum<&InstanceStats::records_out>},
    {"numRecordsOutPerSecond", kFlow, kM, "records/s", "The same in a second.", meter<&InstanceStats::records_out>},
    {"numBytesIn", kTasks, kC, "bytes", "Bytes received from other stages.", sum<&InstanceStats::bytes_in>},
    {"numBytesInPerSecond", kTasks, kM, "bytes/s", "The same in a second.", meter<&InstanceStats::bytes_in>},
    {"numBytesOut", kTasks, kC, "bytes", "Bytes sent to other stages.", sum<&InstanceStats::bytes_out>},
    {"numBytesOutPerSecond", kTasks, kM, "bytes/s", "The same in a second.", meter<&InstanceStats::bytes_out>},
    {"numBuffersOut", kTasks, kC, "frames", "Frames sent to other stages.", sum<&InstanceStats::frames_out>},
    {"numBuffersOutPerSecond", kTasks, kM, "frames/s", "The same in a second.", meter<&InstanceStats::frames_out>},
    {"numRecordsInErrors", kFlow, kC, "records", "Records that could not be processed.",
     sum<&InstanceStats::bad_records>},
    {"numLateRecordsDropped", kFlow, kC, "records", "Records too late for their window.",
     sum<&InstanceStats::late_records>},
    {"busyTimeMsPerSecond", kTasks, kG, "ms/s", "Time spent working; of a stage the mean of its instances.", busy},
    {"idleTimeMsPerSecond", kTasks, kM, "ms/s", "Time spent waiting for input; of a stage the mean.", idle},
    {"backPressuredTimeMsPerSecond", kTasks, kG, "ms/s", "Time spent waiting for receivers; of a stage the mean.",
     backpressured},
    {"isBackPressured", kTasks, kG, "0 or 1", "Whether it waits for receivers half of the time or more.",
     is_backpressured},
    {"accumulateBusyTimeMs", kTasks, kG, "ms", "Time spent working, since the instance began.", all_busy},
    {"accumulateIdleTimeMs", kTasks, kG, "ms", "Time spent waiting for input, since then.", all_idle},
    {"accumulateBackPressuredTimeMs", kTasks, kG, "ms", "Time spent waiting for receivers, since then.",
     all_backpressured},
    {"Shuffle.Netty.Output.Buffers.outputQueueSize", kTasks, kG, "bytes", "Bytes that wait to be sent.",
     sum<&InstanceStats::queued_bytes>},
    {"currentInputWatermark", kFlow, kG, "ms since 1970", "Event time of the inputs; not of a source.",
     input_watermark},
    {"currentOutputWatermark", kFlow, kG, "ms since 1970", "Event time of the outputs; not of a sink.",
     output_watermark},
    {"watermarkLag", kFlow, kG, "ms", "How far event time is behind the clock.", watermark_lag},
    {"sourceIdleTime", kFlow, kG, "ms", "Of a source: since it had its newest record; of a stage the longest.",
     source_idle},
    {"currentEmitEventTimeLag", kFlow, kG, "ms",
     "Of a source: from the event time of its newest record to when that was sent on; of a stage the longest.",
     emit_lag},
    {"numRecordsSend", kFlow, kC, "records", "Of a sink: records taken for what it writes to.", sent},
    {"numRecordsSendErrors", kFlow, kC, "records", "Of a sink: records that could not be written.", send_errors},
    {"numRecordsOutErrors", kFlow, kC, "records", "The same, by its earlier name.", send_errors},
    {"pendingRecords", kFlow, kG, "records", "Of a source that can tell: records it has not read yet.", pending},
    {"checkpointAlignmentTime", kTasks, kG, "ns", "Newest snapshot: from its first barrier to its last.", alignment},
    {"checkpointStartDelayNanos", kTasks, kG, "ns", "Newest snapshot: from the trigger to its first barrier.",
     start_delay},
    {"checkpointPauseMs", kTasks, kG, "ms", "Newest snapshot: how long the instance stood still for it.", pause},
    {"checkpointWriteMs", kTasks, kG, "ms", "Newest snapshot: how long it was written beside the work.", written_in},
    {"stateRows", kTasks, kG, "rows", "Rows of state.", sum<&InstanceStats::state_rows>},
    {"stateSize", kTasks, kG, "bytes", "Size of the state.", sum<&InstanceStats::state_bytes>},
    {"stateSpilledSize", kTasks, kG, "bytes", "What of it is on disk alone.", sum<&InstanceStats::spilled_bytes>},
    {"residentMemory", kTasks, kG, "bytes", "Resident memory of the process.", sum<&InstanceStats::resident_bytes>},
    {"memoryBound", kTasks, kG, "bytes", "Bound of that, as the manifest has it.", memory_bound},
    {"cpuLoad", kTasks, kG, "processors", "Processors in use by the process: 1 is all of one.", cpu_share},
    {"waitsForServer", kTasks, kG, "instances", "How many wait for something outside, as a server that is away.",
     in_trouble},

    {"Status.JVM.CPU.Load", kHost, kG, "processors", "Processors in use by all instances on the host.", cpu_share},
    {"Status.JVM.CPU.Time", kHost, kG, "ns", "Processor time of all instances.", cpu_time},
    {"Status.JVM.Memory.Heap.Used", kHost, kG, "bytes", "Resident memory of all instances.",
     sum<&InstanceStats::resident_bytes>},
    {"Status.JVM.Memory.Heap.Max", kHost, kG, "bytes", "Bound of the memory of all instances.", memory_bound},
    {"Status.Flink.Memory.Managed.Used", kHost, kG, "bytes", "State of all instances that is in memory.",
     [](const Subject& s) {
       return of(total<&InstanceStats::state_bytes>(s) -
                 std::min(total<&InstanceStats::state_bytes>(s), total<&InstanceStats::spilled_bytes>(s)));
     }},
    {"Status.Flink.Memory.Managed.Total", kHost, kG, "bytes", "Bound of the memory of all instances.", memory_bound},

    {"initializingState", kJob, kG, "0 or 1", "Whether the instances start and restore their state.",
     state_of<Activity::kInitializing>},
    {"initializingTime", kJob, kG, "ms", "For how long they have done so, this time.",
     time_of<Activity::kInitializing>},
    {"initializingTimeTotal", kJob, kG, "ms", "… and in all.", time_total_of<Activity::kInitializing>},
    {"runningState", kJob, kG, "0 or 1", "Whether the job runs.", state_of<Activity::kRunning>},
    {"runningTime", kJob, kG, "ms", "For how long it has run, this time.", time_of<Activity::kRunning>},
    {"runningTimeTotal", kJob, kG, "ms", "… and in all.", time_total_of<Activity::kRunning>},
    {"restartingState", kJob, kG, "0 or 1", "Whether it recovers from a failure.", state_of<Activity::kRestarting>},
    {"restartingTime", kJob, kG, "ms", "For how long it has done so, this time.", time_of<Activity::kRestarting>},
    {"restartingTimeTotal", kJob, kG, "ms", "… and in all.", time_total_of<Activity::kRestarting>},
    {"uptime", kJob, kG, "ms", "For how long the job has run without a failure.", time_of<Activity::kRunning>},
    {"downtime", kJob, kG, "ms", "For how long it has recovered from a failure; 0 while it runs.", downtime},
    {"numRestarts", kJob, kG, "restarts", "Restarts after failures, since the supervisor began.", restarts},
    {"fullRestarts", kJob, kG, "restarts", "The same: every restart is of the whole job.", restarts},
    {"lastCheckpointDuration", kJob, kG, "ms", "From the trigger of the newest complete checkpoint to its publication.",
     last_duration},
    {"lastCheckpointSize", kJob, kG, "bytes", "What was written for it.", last_size},
    {"lastCheckpointFullSize", kJob, kG, "bytes", "With the earlier files it builds on.", last_full_size},
    {"lastCompletedCheckpointId", kJob, kG, "number", "Its number.", last_id},
    {"lastCheckpointCompletedTimestamp", kJob, kG, "ms since 1970", "When it was complete.", last_completed_at},
    {"lastCheckpointRestoreTimestamp", kJob, kG, "ms since 1970", "When state was restored last.", restored_at},
    {"totalNumberOfCheckpoints", kJob, kG, "checkpoints", "Triggered since the supervisor began.",
     checkpoints<&JobTotals::triggered>},
    {"numberOfInProgressCheckpoints", kJob, kG, "0 or 1", "In progress.", checkpoints<&JobTotals::in_progress>},
    {"numberOfCompletedCheckpoints", kJob, kG, "checkpoints", "Complete since the supervisor began.",
     checkpoints<&JobTotals::completed>},
    {"numberOfFailedCheckpoints", kJob, kG, "checkpoints", "Aborted since then, or lost in a failure.",
     checkpoints<&JobTotals::failed>},
    {"checkpointDuration", kJob, kH, "ms", "How long the newest 128 complete checkpoints took.",
     histogram<&JobTotals::duration_ms>},
    {"checkpointAlignmentDuration", kJob, kH, "ms", "The longest alignment of an instance in each of them.",
     histogram<&JobTotals::alignment_ms>},
    {"checkpointPauseDuration", kJob, kH, "ms", "The longest standstill of an instance in each of them.",
     histogram<&JobTotals::pause_ms>},

    {"latency", kLatency, kH, "ms", "From a source to the end of the instance, of the newest 128 marks.", latency},

    {"numRunningJobs", kSupervisor, kG, "jobs", "1 while the job runs: a supervisor has one.", running_jobs},
    {"numRegisteredTaskManagers", kSupervisor, kG, "hosts", "Hosts with instances.", hosts},
    {"taskSlotsTotal", kSupervisor, kG, "instances", "Instances.", slots},
    {"taskSlotsAvailable", kSupervisor, kG, "instances", "0: an instance has a process of its own.", no_slots},
    {"Status.JVM.CPU.Load", kSupervisor, kG, "processors", "Processors in use by the supervisor.", supervisor_cpu},
    {"Status.JVM.CPU.Time", kSupervisor, kG, "ns", "Its processor time.", supervisor_cpu_time},
    {"Status.JVM.Memory.Heap.Used", kSupervisor, kG, "bytes", "Its resident memory.", supervisor_memory},
    {"Status.JVM.Threads.Count", kSupervisor, kG, "threads", "Its threads.", supervisor_threads},
    {"System.CPU.Usage", kSupervisor, kG, "%", "Use of all processors of the machine.", machine_cpu},
    {"System.CPU.Load1min", kSupervisor, kG, "processes", "Load of the machine, over a minute.", machine_load<0>},
    {"System.CPU.Load5min", kSupervisor, kG, "processes", "… five minutes.", machine_load<1>},
    {"System.CPU.Load15min", kSupervisor, kG, "processes", "… fifteen minutes.", machine_load<2>},
    {"System.Memory.Available", kSupervisor, kG, "bytes", "Memory that programs can still have.",
     machine<&HostView::memory_available>},
    {"System.Memory.Total", kSupervisor, kG, "bytes", "Memory of the machine.", machine<&HostView::memory_total>},
    {"System.Swap.Used", kSupervisor, kG, "bytes", "Swap in use.", machine<&HostView::swap_used>},
    {"System.Swap.Total", kSupervisor, kG, "bytes", "Swap of the machine.", machine<&HostView::swap_total>},

    {"numReports", kReporter, kC, "reports", "Reports delivered, or scrapes answered.",
     reporter<&ReporterView::reports>},
    {"numReportsFailed", kReporter, kC, "reports", "Reports that could not be delivered.",
     reporter<&ReporterView::failures>},
};

}  // namespace

std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, 4> kNames = {"counter", "gauge", "meter", "histogram"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view scope_name(Scope scope) {
  switch (scope) {
    case Scope::kSupervisor: return "jobmanager";
    case Scope::kReporter: return "jobmanager.reporter";
    case Scope::kJob: return "jobmanager.job";
    case Scope::kStage: return "jobmanager.job.operator";
    case Scope::kHost: return "taskmanager";
    case Scope::kTask: return "taskmanager.job.task";
    case Scope::kOperator: return "taskmanager.job.task.operator";
    case Scope::kLatency: return "taskmanager.job.latency.operator_id.operator_subtask_index";
  }
  return "";
}

std::span<const MetricDefinition> metric_table() { return kTable; }

}  // namespace stream::metrics
