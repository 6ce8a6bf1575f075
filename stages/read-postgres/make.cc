#include <cstdio>

#include "stages/read-postgres/cdc.h"
#include "stages/read-postgres/poll.h"
#include "stages/read-postgres/read_postgres.h"
#include "transport/base/secret.h"

namespace stream {
namespace {

// The outputs that something reads: the main one is that of the first table.
std::vector<std::size_t> outputs_of(std::size_t table, const Context& context) {
  std::vector<std::size_t> outputs;
  for (const std::size_t output : {std::size_t{0}, table + 1}) {
    const bool its = output != 0 || table == 0;
    const bool read = output < context.outputs.size() && context.outputs[output] != nullptr;
    // Alone, a stage prints its main output.
    if (its && read && (context.supervised || output == 0)) outputs.push_back(output);
  }
  return outputs;
}

std::string application(const Context& context) {
  return "stream/" + context.run.substr(0, 16) + "/" + context.stage + "/" + std::to_string(context.instance);
}

std::unique_ptr<Source> make_cdc(Context& context, std::string dsn, std::vector<TableFacts> tables) {
  const std::string& slot = context.options.text("slot");
  ReplicationSlot made(slot.empty() ? slot_name(context.job, context.stage) : slot, context.options.text("publication"),
                       context.options.list("tables"));
  CdcSource::Setup setup{std::move(dsn), application(context), std::move(made), {}};
  for (std::size_t i = 0; i < tables.size(); ++i) {
    std::vector<TableFeed::Port> ports;
    for (const std::size_t output : outputs_of(i, context)) ports.push_back({output, context.outputs[output]});
    setup.feeds.push_back(std::make_unique<TableFeed>(context.state, std::move(tables[i]), std::move(ports)));
  }
  return std::make_unique<CdcSource>(context, std::move(setup));
}

Result<std::unique_ptr<Source>> make_poll(Context& context, std::string dsn, std::vector<TableFacts> tables) {
  PollSource::Setup setup{std::move(dsn),
                          application(context),
                          {},
                          context.options.text("mode") == "poll",
                          context.options.duration("poll-interval")};
  for (std::size_t i = 0; i < tables.size(); ++i) {
    PollSource::Table table{std::move(tables[i]), {}, {}};
    table.order = table.facts.key;
    if (setup.follow) {
      const Schema schema{table.facts.columns, std::nullopt, {}};
      const auto column = schema.find(context.options.text("column"));
      if (!column) return usage_error("option 'column': table '" + table.facts.table + "' has no such column");
      table.order = {*column};
    }
    for (const std::size_t output : outputs_of(i, context)) table.outputs.emplace_back(output, context.outputs[output]);
    setup.tables.push_back(std::move(table));
  }
  return std::unique_ptr<Source>(std::make_unique<PollSource>(context, std::move(setup)));
}

}  // namespace

Result<std::unique_ptr<Source>> make_read_postgres(Context& context) {
  STREAM_ASSIGN(std::string dsn, read_secret(system_files(), context.folder, context.options.text("dsn")));
  STREAM_ASSIGN(std::vector<TableFacts> tables, table_facts_from_json(context.options.text("described")));
  if (context.options.text("mode") == "cdc") return make_cdc(context, std::move(dsn), std::move(tables));
  return make_poll(context, std::move(dsn), std::move(tables));
}

Status drop_slot(Values& options) {
  if (!options.flag("drop")) return {};
  if (!options.has("slot")) return usage_error("--drop needs --slot NAME: a job's log says what its slot is called");
  STREAM_ASSIGN(const std::string dsn, read_secret(system_files(), ".", options.text("dsn")));
  STREAM_ASSIGN(const auto server, PgConnection::open(dsn, {"stream/drop", false}));
  const ReplicationSlot slot(options.text("slot"), options.text("publication"), {});
  STREAM_ASSIGN(const bool there, slot.exists(*server));
  if (!there) {
    return usage_error("there is no replication slot '" + slot.name() + "' in PostgreSQL '" + server->name() + "'");
  }
  STREAM_ASSIGN(const bool dropped, slot.drop(*server));
  if (!dropped) return failed("the replication slot '" + slot.name() + "' is in use; stop or cancel its job first");
  STREAM_TRY(slot.drop_publication(*server));
  std::printf("dropped replication slot '%s' of PostgreSQL '%s'\n", slot.name().c_str(), server->name().c_str());
  return {Code::kInterrupted, ""};
}

}  // namespace stream
