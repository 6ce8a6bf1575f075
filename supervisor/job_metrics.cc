#include "supervisor/job_metrics.h"

#include <algorithm>

#include "snapshot/digest.h"
#include "supervisor/history_store.h"
#include "supervisor/job_runner.h"
#include "supervisor/metrics/host.h"
#include "supervisor/plan_hosts.h"

namespace stream {
namespace {

using metrics::Activity;
using metrics::InstanceView;
using metrics::MetricsView;

std::string id_of(std::string_view kind, std::string_view name) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : xxh3_128(std::string(kind) + ' ' + std::string(name))) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Activity activity_of(Phase phase) {
  if (phase == Phase::kStarting) return Activity::kInitializing;
  return phase == Phase::kRestarting ? Activity::kRestarting : Activity::kRunning;
}

metrics::Role role_of(StageRole role) {
  if (role == StageRole::kSource) return metrics::Role::kSource;
  return role == StageRole::kSink ? metrics::Role::kSink : metrics::Role::kOperator;
}

}  // namespace

std::optional<Microseconds> JobMetrics::triggered_at(std::uint64_t epoch) const {
  const auto it = triggered_.find(epoch);
  return it == triggered_.end() ? std::nullopt : std::optional(it->second);
}

InstanceView JobMetrics::view_of(const InstanceState& state) const {
  InstanceView out;
  out.stage = state.name.stage;
  out.index = state.name.instance;
  out.attempt = state.attempt.value();
  out.running = state.ready && runner_.phase() != Phase::kRestarting;
  if (!state.host.empty()) out.host = far_address(runner_.plan().pipeline, state.host);
  if (!out.host.empty()) out.host_id = id_of("host", out.host);
  out.stats = state.stats;
  out.earlier = state.earlier;
  out.latency_ms = state.latency_ms.value();
  if (!state.snapshot) return out;
  const SnapshotDone& done = *state.snapshot;
  const auto triggered = triggered_at(done.epoch);
  if (!triggered) return out;
  const Microseconds delay = done.start_wall_us - done.alignment_us - *triggered;
  out.snapshot = metrics::SnapshotTimes{done.epoch, std::max<Microseconds>(0, delay), done.alignment_us, done.pause_us,
                                        done.async_us};
  return out;
}

MetricsView JobMetrics::view(Microseconds now) const {
  static const std::string host = metrics::host_name();
  MetricsView out;
  out.at_us = system_clock().wall_us();
  out.host = host;
  out.host_id = id_of("host", host);
  out.job = runner_.paths().job;
  out.job_id = runner_.record().id;
  out.restarts = runner_.restarts();
  out.totals = tally_.totals(now);
  const JobPlan& plan = runner_.plan();
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const StageSpec& spec = plan.pipeline.stages[i];
    out.stages.push_back({spec.name, id_of("vertex", spec.name), role_of(plan.stages[i].role), spec.memory_bytes});
  }
  if (runner_.attempt() == nullptr) return out;
  for (const InstanceState& state : runner_.attempt()->instances()) out.instances.push_back(view_of(state));
  return out;
}

bool JobMetrics::runner_has_attempt() const { return runner_.attempt() != nullptr; }

void JobMetrics::turn(Microseconds now, JobLog& log) {
  tally_.observe(activity_of(runner_.phase()), now, system_clock().wall_us());
  if (specs_ != runner_.plan().pipeline.metrics) {  // at the begin, and when the job is another version
    specs_ = runner_.plan().pipeline.metrics;
    service_.reset();
    if (!specs_.empty()) service_ = std::make_unique<metrics::MetricsService>(specs_, runner_.plan().pipeline.folder);
  }
  keep_history(now, log);
  if (!service_ || now < next_ || !runner_has_attempt()) return;
  offer(now);
  tell(log);
}

Microseconds JobMetrics::next() const {
  if (!runner_has_attempt()) return INT64_MAX;
  return std::min(history_next_, service_ ? next_ : INT64_MAX);
}

void JobMetrics::keep_history(Microseconds now, JobLog& log) {
  if (now < history_next_ || !runner_has_attempt()) return;
  history_next_ = now + kHistoryEvery;
  if (!history_)
    history_ = std::make_unique<HistoryWriter>(history_file(runner_.paths().folder), runner_.plan().pipeline.ad_hoc);
  history_->offer(view(now));
  if (const std::string failure = history_->failure(); !failure.empty())
    log.warning(failure + "; numbers of this time will be missing there");
}

void JobMetrics::tell(JobLog& log) {
  for (const metrics::ServiceMessage& message : service_->messages()) {
    message.warning ? log.warning(message.text) : log.info(message.text);
  }
}

void JobMetrics::finish(JobLog& log) {
  history_.reset();
  if (!service_) return;
  const Microseconds now = system_clock().monotonic_us();
  if (runner_has_attempt()) last_ = view(now);
  if (last_) {
    last_->totals = tally_.totals(now);
    service_->offer(*std::move(last_));
  }
  service_->stop();
  tell(log);
  service_.reset();
}

void JobMetrics::offer(Microseconds now) {
  next_ = now + service_->cadence();
  service_->offer(view(now));
}

void JobMetrics::last_look() {
  if (service_) last_ = view(system_clock().monotonic_us());
}

void JobMetrics::on_ready(bool restored, Microseconds wall) {
  if (restored) tally_.on_restored(wall);
}

void JobMetrics::on_triggered(const CheckpointRecord& record) {
  triggered_[record.epoch] = record.triggered_us;
  if (triggered_.size() > 2) triggered_.erase(triggered_.begin());
  tally_.on_triggered();
}

void JobMetrics::on_complete(const CheckpointRecord& record, const CheckpointIndex& index) {
  metrics::LastCheckpoint last{record.epoch, record.triggered_us, record.ended_us, record.bytes, 0, 0, 0};
  for (const FileRef& file : files_of(index)) last.full_bytes += file.size_bytes;
  for (const InstanceState& state : runner_.attempt()->instances()) {
    if (!state.snapshot || state.snapshot->epoch != record.epoch) continue;
    last.alignment_us = std::max(last.alignment_us, state.snapshot->alignment_us);
    last.pause_us = std::max(last.pause_us, state.snapshot->pause_us);
  }
  tally_.on_completed(last);
}

void JobMetrics::on_aborted(const CheckpointRecord& record, const std::string& reason) {
  tally_.on_failed(record.epoch, record.triggered_us, record.ended_us, reason);
}

}  // namespace stream
