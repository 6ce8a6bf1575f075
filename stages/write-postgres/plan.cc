#include <set>

#include "stages/kit/sink_key.h"
#include "stages/write-postgres/two_phase.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kNameMax = 63;  // bytes; PostgreSQL cuts longer names

void check_table_name(const Values& options, const std::string& stage, PlanAnswer& answer) {
  const std::string name = pg_table_of(options, stage);
  const std::vector<std::string> parts = split(name, '.');
  for (const std::string& part : parts) {
    if (part.empty()) answer.errors.push_back({"table", 0, "the name is empty", "write TABLE or SCHEMA.TABLE"});
    if (part.size() > kNameMax) answer.errors.push_back({"table", 0, "'" + part + "' has more than 63 bytes", ""});
  }
  if (parts.size() > 2) answer.errors.push_back({"table", 0, "'" + name + "' has two dots", "write SCHEMA.TABLE"});
  if (!parts.back().starts_with("_stream_")) return;
  answer.errors.push_back({"table", 0, "'" + name + "' is a reserved name", ""});
}

// What PostgreSQL, or the outbox, would take for one name.
void check_columns(const Schema& schema, PlanAnswer& answer) {
  const std::set<std::string> reserved = {"_epoch", "_instance", "_seq", "_kind",    "ctid",         "xmin",
                                          "xmax",   "cmin",      "cmax", "tableoid", "_stream_gone", "_stream_null"};
  std::set<std::string> seen;
  for (const Field& field : schema.fields) {
    const std::string name = field.name.substr(0, kNameMax);
    if (reserved.contains(name)) {
      answer.errors.push_back({"", 0, "a column cannot be named '" + name + "' here", "rename it with select"});
    }
    if (!seen.insert(name).second || field.name.size() > kNameMax) {
      answer.errors.push_back({"", 0, "column '" + field.name + "' has more than 63 bytes", "rename it with select"});
    }
  }
}

void check_two_phase(bool keyed, PlanAnswer& answer) {
  if (!keyed) return;
  answer.errors.push_back({"commit", 0, "two-phase is for rows that are only inserted",
                           "leave out `commit`: prepared changes would hold the locks of their rows against the next"});
}

}  // namespace

PlanAnswer plan_write_postgres(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& schema = request.inputs[0].schema;
  check_table_name(request.options, request.stage, answer);
  check_columns(schema, answer);
  const std::vector<std::string> key = plan_sink_key(request, answer);
  const bool two_phase = request.options.text("commit") == "two-phase";
  if (two_phase) check_two_phase(!key.empty(), answer);
  if (request.supervised && request.options.has("leftovers")) {
    answer.errors.push_back({"leftovers", 0, "is a question for stream-write-postgres alone", "leave it out"});
  }
  answer.state.push_back(two_phase ? TwoPhasePostgres::table_spec() : outbox_spec("outbox", schema.fields));
  answer.goes_back = key.empty() ? GoesBack::kAll : GoesBack::kInserted;
  answer.visible = "at each checkpoint";
  return answer;
}

Result<std::unique_ptr<Sink>> make_write_postgres(Context& context) {
  // Without checkpoints there is nothing to commit in two phases for.
  const bool two_phase = context.supervised && context.options.text("commit") == "two-phase";
  return two_phase ? TwoPhasePostgres::make(context) : WritePostgres::make(context);
}

}  // namespace stream
