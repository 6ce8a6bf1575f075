// Answers without an end.
#include "supervisor/http/handlers.h"
#include "supervisor/http/streams.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

// To a HEAD, the head alone.
Answer streamed(const Call& call, TakeOver take_over) {
  Answer answer{.text = "", .type = std::string(kEventStream), .headers = {{"Cache-Control", "no-store"}}};
  if (call.request.method == "GET") answer.take_over = std::move(take_over);
  return answer;
}

Result<std::optional<std::int64_t>> limit_of(const Call& call) {
  if (!call.query.contains("limit")) return std::optional<std::int64_t>();
  const auto limit = parse_integer(call.value("limit"));
  if (limit.ok() && *limit > 0) return std::optional(*limit);
  return usage_error("'limit' is to be a whole number above 0");
}

}  // namespace

Answer get_stream(Call& call) {
  STREAM_HTTP_ASSIGN(StreamWish wish, make_stream_wish(call.query, call.request.last_event_id));
  STREAM_HTTP_ASSIGN(TakeOver take_over, call.streams.listen(std::move(wish)));
  return streamed(call, std::move(take_over));
}

// A stage that is not there is 404, as in any path.
Answer get_taps(Call& call) {
  TapWish wish{.stage = call.value("stage"), .output = call.value("output"), .where = call.value("where")};
  if (wish.stage.empty()) return refuse(400, "say whose rows: '?stage=STAGE'");
  STREAM_HTTP_ASSIGN(wish.limit, limit_of(call));
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  if (plan->pipeline.find(wish.stage) == nullptr) {
    std::vector<std::string> names;
    for (const StageSpec& stage : plan->pipeline.stages) names.push_back(stage.name);
    return refuse(404,
                  "job '" + call.job.name + "' has no stage '" + wish.stage + "'" + did_you_mean(wish.stage, names));
  }
  STREAM_HTTP_ASSIGN(TakeOver take_over, call.streams.tap(call.job.name, wish));
  return streamed(call, std::move(take_over));
}

}  // namespace stream::http
