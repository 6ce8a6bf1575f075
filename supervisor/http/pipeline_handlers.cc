// Our own: a manifest is sent, and becomes a job.
#include "supervisor/http/handlers.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

// Every line of what is wrong, by itself.
Json lines_of(const Status& status) {
  Json lines = Json::array();
  for (const std::string& line : split(status.what(), '\n')) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace

Answer post_pipeline(Call& call) {
  const auto names = call.changes.submit(call.request.body);
  if (!names.ok()) return answer_with({{"errors", lines_of(names.status())}}, refuse(names.status()).status);
  Json jobs = Json::array();
  for (const std::string& name : *names) {
    STREAM_HTTP_ASSIGN(const SharedJson summary, call.jobs.summary(name));
    jobs.push_back({{"jid", summary->value("id", "")}, {"name", name}});
  }
  return answer_with({{"jobs", std::move(jobs)}});
}

Answer post_validation(Call& call) {
  const Status valid = call.changes.validate(call.request.body);
  if (!valid.ok() && valid.code() != Code::kUsage) return refuse(valid);
  return answer_with({{"valid", valid.ok()}, {"problems", lines_of(valid)}});
}

}  // namespace stream::http
