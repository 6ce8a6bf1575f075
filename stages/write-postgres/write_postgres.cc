#include "stages/write-postgres/write_postgres.h"

namespace stream {

Result<std::unique_ptr<Sink>> WritePostgres::make(Context& context) {
  STREAM_ASSIGN(std::unique_ptr<PgDestination> destination, PgDestination::of(context));
  if (!context.supervised) STREAM_TRY(destination->begin(true));
  return std::unique_ptr<Sink>(new WritePostgres(context, std::move(destination)));
}

Status WritePostgres::begin(Epoch epoch, std::span<const Prepared> /*pending*/) {
  return destination_->begin(epoch == Epoch(0));
}

Status WritePostgres::make_visible(std::span<const Prepared> due) {
  if (due.empty()) return {};
  return destination_->transact([&](PgConnection& server) -> Status {
    std::vector<Batch> batches;
    for (const Prepared& prepared : due) {
      STREAM_ASSIGN(const bool added, destination_->log().add(server, prepared.committable));
      if (added) batches.insert(batches.end(), prepared.batches.begin(), prepared.batches.end());
    }
    return batches.empty() ? Status() : destination_->table().write(server, batches);
  });
}

// Outside a job nobody can tell whether a COMMIT that was cut off has happened: it is tried once.
Status WritePostgres::write_now(const std::vector<Batch>& batches) {
  STREAM_ASSIGN(const std::unique_ptr<PgConnection> server, destination_->connect());
  return server->transact([&] { return destination_->table().write(*server, batches); });
}

}  // namespace stream
