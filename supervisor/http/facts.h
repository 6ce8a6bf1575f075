// What our jobs and stages are in Flink's words.
#pragma once

#include <map>
#include <string>

#include "supervisor/http/call.h"

namespace stream::http {

struct JobFacts {
  std::string state;   // ours: "STOPPING"
  std::string status;  // Flink's: "RUNNING"
  bool over = false;   // nobody runs it
  std::int64_t start_ms = 0;
  std::int64_t end_ms = -1;  // -1 = it has not ended
  std::int64_t duration_ms = 0;
  std::int64_t attempt = 0;
};
JobFacts facts_of(const Json& summary, std::int64_t now_ms);

// Of an instance in a job that is so.
std::string_view task_state(const JobFacts& facts);
// Of an instance of an attempt that has ended so; see AttemptRecord.
std::string_view ended_task_state(std::string_view outcome);
// Whether a record, of an attempt or of a checkpoint, is of the run that the job is in now.
bool is_of_run(const Json& record, const Json& summary);

// {"RUNNING": 3, "FAILED": 0, …}, all states of a task.
Json task_counts(std::string_view state, std::uint32_t count);

// The numbers of one instance, as `stream stats --json` has them; null where nothing is known.
const Json& instance_of(const Json& stats, const std::string& stage, std::size_t instance);

// When the first instance of a stage was started that is there now; of none, when the job was.
std::int64_t first_start_ms(const Json& stats, const std::string& stage, std::uint32_t parallelism,
                            const JobFacts& facts);

// Bytes, records and times of one instance, or the sum of several.
class IoSums {
 public:
  void add(const Json& instance);
  Json json() const;

 private:
  std::int64_t bytes_in_ = 0, bytes_out_ = 0, records_in_ = 0, records_out_ = 0;
  std::int64_t full_us_ = 0, idle_us_ = 0, running_us_ = 0;
  bool complete_ = true;
};

// What the user's own code has counted, of one instance or summed up over several: Flink's accumulators.
class Accumulators {
 public:
  void add(const Json& instance);
  Json json() const;

 private:
  std::map<std::string, std::int64_t> counted_;
};

// min, max, avg and percentiles of values; all 0 where there are none.
Json statistics(std::vector<double> values);
// The same as Flink aggregates subtasks: in whole numbers, with the sum.
Json whole_statistics(std::vector<double> values);

// What Flink tells of a failure.
Json throwable(const std::string& why);

std::int64_t number_of(const Json& object, const char* key);
double real_of(const Json& object, const char* key);
std::string text_of(const Json& object, const char* key);
std::int64_t milliseconds(const Json& object, const char* key_us);

}  // namespace stream::http
