#include "stages/write-postgres/leftovers.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "stages/postgres/connection.h"
#include "stages/write-postgres/prepared_name.h"
#include "transport/base/secret.h"

namespace stream {
namespace {

std::string line_of(const PreparedName& name, const std::string& since, const std::string& done) {
  nlohmann::ordered_json line = {
      {"transaction", to_string(name)}, {"run", name.run},     {"stage", name.stage}, {"instance", name.instance},
      {"attempt", name.attempt},        {"epoch", name.epoch}, {"prepared", since}};
  if (!done.empty()) line["done"] = done;
  return line.dump() + "\n";
}

Status print(const std::string& line) {
  return std::fputs(line.c_str(), stdout) >= 0 ? Status() : Status(Code::kSystem, "unable to write to standard output");
}

}  // namespace

Status resolve_leftovers(Values& options) {
  if (!options.has("leftovers")) return {};
  const std::string what = options.text("leftovers");
  const std::string& run = options.text("leftovers-of");
  if (what != "list" && run.empty()) {
    return usage_error("--leftovers " + what + " needs --leftovers-of RUN; --leftovers list shows the runs");
  }
  STREAM_ASSIGN(const std::string dsn, read_secret(system_files(), ".", options.text("dsn")));
  STREAM_ASSIGN(const std::unique_ptr<PgConnection> server, PgConnection::open(dsn, {"stream/leftovers", false}));
  STREAM_ASSIGN(const PgRows rows, server->query("SELECT gid, prepared FROM pg_prepared_xacts WHERE database = "
                                                 "current_database() ORDER BY prepared, gid"));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto name = parse_prepared_name(rows.text(i, 0));
    if (!name || (!run.empty() && name->run != run)) continue;
    std::string done;
    if (what != "list") {
      const std::string command = what == "commit" ? "COMMIT PREPARED " : "ROLLBACK PREPARED ";
      STREAM_TRY(server->execute(command + pg_literal(rows.text(i, 0))));
      done = what == "commit" ? "committed" : "rolled back";
    }
    STREAM_TRY(print(line_of(*name, rows.text(i, 1), done)));
  }
  return {Code::kInterrupted, ""};
}

}  // namespace stream
