// What was asked over HTTP, and what came of it.
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

std::string_view status_of(const OperationRecord& record) {
  if (record.ended_us == 0) return "IN_PROGRESS";
  return record.failed ? "FAILED" : "COMPLETED";
}

Json described(const OperationRecord& record) {
  const Json outcome = Json::parse(record.outcome, nullptr, false);
  return {{"id", record.id},
          {"kind", record.kind()},
          {"job", record.object().empty() ? Json() : Json(record.object())},
          {"name", record.name.empty() ? Json() : Json(record.name)},
          {"who", record.who},
          {"remote", record.remote},
          {"status", status_of(record)},
          {"begin", record.begun_us / 1000},
          {"end", record.ended_us == 0 ? -1 : record.ended_us / 1000},
          {"outcome", outcome.is_object() ? outcome : Json::object()}};
}

}  // namespace

Answer get_operations(Call& call) {
  std::int64_t most = 100;
  if (call.query.contains("limit")) {
    const auto wanted = parse_integer(call.value("limit"));
    if (!wanted.ok() || *wanted < 1 || *wanted > kOperationsListed)
      return refuse(400, "'limit' is to be a whole number from 1 to " + std::to_string(kOperationsListed));
    most = *wanted;
  }
  STREAM_HTTP_ASSIGN(const auto records, call.operations.newest(most));
  Json operations = Json::array();
  for (const OperationRecord& record : records) operations.push_back(described(record));
  return answer_with({{"operations", std::move(operations)}});
}

Answer get_operation(Call& call) {
  const std::string& id = call.path.find("operationid")->second;
  STREAM_HTTP_ASSIGN(const auto record, call.operations.find(id));
  if (!record)
    return refuse(404, "there is no operation '" + id + "'; they are kept for seven days, and /operations lists them");
  return answer_with(described(*record));
}

}  // namespace stream::http
