// What a running job looks like, as JSON: the one source of `ps`, `show`, `stats` and the status line.
#pragma once

#include <string>

#include "supervisor/job_runner.h"

namespace stream {

// {"job","id","run","state","attempt","restarts","started_us","checkpoint",…}
std::string job_summary_json(const JobRunner& runner);
// {"job": summary, "instances": [{"stage","instance","pid","records_in_rate",…}], "checkpoint": {…}}
std::string job_stats_json(const JobRunner& runner);
// What has happened behind a time (wall clock): {"summary", "events", "checkpoints"}, and if wanted "stats", as above.
Result<std::string> job_news_json(JobRunner& runner, Microseconds since, bool with_stats);
// Every metric of the table in metrics/metric.h that has a value now, by what it belongs to.
std::string job_metrics_json(const JobRunner& runner);
// Of each instance when it was started and what it has come to, for the record of its attempt: a list.
std::string attempt_instances_json(const JobRunner& runner);
// What a job that has finished has done: "1000 records written, 3 bad, 2 late".
std::string outcome_text(const JobRunner& runner);
// One line for the terminal, at most `width` columns.
std::string status_line(const JobRunner& runner, std::size_t width);

}  // namespace stream
