#include <algorithm>
#include <set>

#include "stages/kit/sink_key.h"
#include "stages/write-sqlite/write_sqlite.h"
#include "transport/base/text.h"

namespace stream {
namespace {

void check_table_name(const Values& options, PlanAnswer& answer) {
  const std::string name = lower(options.text("table"));
  if (options.has("table") && name.empty()) answer.errors.push_back({"table", 0, "the name is empty", ""});
  if (!name.starts_with("sqlite_") && !name.starts_with("_stream_")) return;
  answer.errors.push_back({"table", 0, "'" + options.text("table") + "' is a reserved name", ""});
}

// What the outbox, or SQLite, would take for one name.
void check_columns(const Schema& schema, PlanAnswer& answer) {
  for (PlanError& error : check_outbox_columns(schema)) answer.errors.push_back(std::move(error));
  std::set<std::string> seen;
  for (const Field& field : schema.fields) {
    if (!seen.insert(lower(field.name)).second) {
      answer.errors.push_back({"", 0, "columns differ from '" + field.name + "' by case only, which SQLite ignores",
                               "rename one with select"});
    }
  }
}

}  // namespace

PlanAnswer plan_write_sqlite(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& schema = request.inputs[0].schema;
  check_table_name(request.options, answer);
  check_columns(schema, answer);
  answer.goes_back = plan_sink_key(request, answer).empty() ? GoesBack::kAll : GoesBack::kInserted;
  answer.state.push_back(outbox_spec("outbox", schema.fields));
  answer.writes.push_back({"path", WriteSqlite::path_of(request.options, request.folder), false,
                           "table " + WriteSqlite::table_of(request.options, request.stage)});
  answer.visible = "at each checkpoint";
  return answer;
}

}  // namespace stream
