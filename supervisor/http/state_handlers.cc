// What the stages of a job keep: its tables, and questions in SQL.
#include <algorithm>

#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr std::int64_t kRows = 1000;
constexpr std::int64_t kRowsMax = 10'000;

// The newest that is complete; 0 = there is none.
std::int64_t newest_complete(const Json& checkpoints) {
  for (const Json& checkpoint : checkpoints) {
    const std::string status = text_of(checkpoint, "status");
    if (status == "complete" || status == "committed") return number_of(checkpoint, "epoch");
  }
  return 0;
}

std::string kind_of(const Json& value) {
  if (value.is_boolean()) return "BOOLEAN";
  if (value.is_number_integer()) return "INTEGER";
  if (value.is_number()) return "REAL";
  return value.is_string() ? "TEXT" : "";
}

// Of a column that is computed nothing is declared: its values say what they are.
void fill_in_types(Json& columns, const Json& rows) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t row = 0; row < rows.size() && text_of(columns[i], "type").empty(); ++row)
      columns[i]["type"] = i < rows[row].size() ? kind_of(rows[row][i]) : "";
  }
}

}  // namespace

// Counting reads all that is kept: an answer stays until there is another checkpoint.
Answer get_job_state(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson checkpoints, call.jobs.list(call.job.name, "checkpoints"));
  if (newest_complete(*checkpoints) == 0) return answer_with({{"tables", Json::array()}});
  STREAM_HTTP_ASSIGN(const Json tables, call.changes.state_tables(call.job.name));
  return answer_with({{"tables", tables}});
}

Answer post_state_query(Call& call) {
  StateQuestion question{.sql = text_of(call.body, "sql")};
  if (trim(question.sql).empty()) return refuse(400, "the body lacks 'sql', the question");
  if (question.sql.find('\0') != std::string::npos) return refuse(400, "'sql' holds a zero byte");
  const auto live = call.body.find("live");
  question.live = live != call.body.end() && live->is_boolean() && live->get<bool>();
  question.limit = call.body.contains("limit") ? number_of(call.body, "limit") : kRows;
  if (question.limit < 1 || question.limit > kRowsMax)
    return refuse(400, "'limit' is to be a whole number from 1 to " + std::to_string(kRowsMax));
  STREAM_HTTP_ASSIGN(Json answer, call.changes.query_state(call.job.name, question));
  Json out = {{"columns", std::move(answer["columns"])}, {"rows", std::move(answer["rows"])}, {"more", false}};
  while (out["rows"].size() > static_cast<std::size_t>(question.limit)) {
    out["rows"].erase(out["rows"].size() - 1);
    out["more"] = true;
  }
  fill_in_types(out["columns"], out["rows"]);
  if (answer.contains("checkpoint")) {
    out["checkpoint"] = number_of(answer, "checkpoint");
    // It may be newer than the question.
    out["age"] = std::max<std::int64_t>(0, call.site.now_ms - milliseconds(answer, "created_us"));
  }
  return answer_with(out);
}

}  // namespace stream::http
