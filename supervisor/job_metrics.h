// JobMetrics: what a running job counts of itself, and the reporters that take it elsewhere. See metrics/.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "supervisor/history_writer.h"
#include "supervisor/metrics/service.h"
#include "supervisor/metrics/tally.h"

namespace stream {

class JobLog;
class JobRunner;
struct CheckpointRecord;
struct CheckpointIndex;

class JobMetrics {
 public:
  explicit JobMetrics(const JobRunner& runner) : runner_(runner) {}

  // Once a turn of the supervisor; what there is to be logged is logged.
  void turn(Microseconds now, JobLog& log);
  // When an offer is due next; INT64_MAX: nobody wants one.
  Microseconds next() const;
  // The last look at the instances, before they are gone.
  void last_look();

  // The job is over: reporters send what they have, within a second.
  void finish(JobLog& log);

  void on_ready(bool restored, Microseconds wall);
  void on_event(Microseconds wall, const std::string& kind, const std::string& text) {
    tally_.on_event(wall, kind, text);
  }
  void on_triggered(const CheckpointRecord& record);
  void on_complete(const CheckpointRecord& record, const CheckpointIndex& index);
  void on_aborted(const CheckpointRecord& record, const std::string& reason);

  metrics::MetricsView view(Microseconds now) const;

 private:
  bool runner_has_attempt() const;
  void offer(Microseconds now);
  void tell(JobLog& log);
  void keep_history(Microseconds now, JobLog& log);

  // When the checkpoint of an instance's newest snapshot was triggered: that is the newest, or the one before.
  std::optional<Microseconds> triggered_at(std::uint64_t epoch) const;
  metrics::InstanceView view_of(const struct InstanceState& state) const;

  const JobRunner& runner_;
  metrics::JobTally tally_;
  std::map<std::uint64_t, Microseconds> triggered_;  // epoch -> wall, of the newest two
  std::vector<metrics::ReporterSpec> specs_;
  std::unique_ptr<metrics::MetricsService> service_;
  std::optional<metrics::MetricsView> last_;  // of the instances, before they go
  Microseconds next_ = 0;
  std::unique_ptr<HistoryWriter> history_;
  Microseconds history_next_ = 0;
};

}  // namespace stream
