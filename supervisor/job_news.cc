#include "supervisor/job_news.h"

#include <nlohmann/json.hpp>

#include "supervisor/job_client.h"
#include "supervisor/job_lists.h"

namespace stream {
namespace {

using nlohmann::json;

Result<json> stored_news(const JobPaths& job, Microseconds since) {
  STREAM_ASSIGN(json summary, stored_summary(job));
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_ASSIGN(json news, job_news(*store, since));
  news["summary"] = std::move(summary);
  return news;
}

}  // namespace

// A job that begins or ends at this very moment is found out about by the next who asks.
Result<json> news_of_job(const JobPaths& job, Microseconds since, bool stats) {
  auto answer = ask_job(job, {{"verb", "news"}, {"since_us", since}, {"stats", stats}}, kQuickAnswer);
  if (!answer.ok() && answer.status().code() == Code::kPeerGone) return stored_news(job, since);
  if (answer.ok()) answer->erase("ok");
  return answer;
}

}  // namespace stream
