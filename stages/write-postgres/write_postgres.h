// Rows into a table of a PostgreSQL database, each exactly once.
#pragma once

#include <memory>

#include "stages/kit/outbox_sink.h"
#include "stages/write-postgres/destination.h"

namespace stream {

PlanAnswer plan_write_postgres(const PlanRequest& request);
Result<std::unique_ptr<Sink>> make_write_postgres(Context& context);

// `commit: outbox`: rows go through the outbox, see stages/kit/outbox_sink.h.
class WritePostgres final : public OutboxSink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);

  Status on_restored(Epoch epoch) override;
  Status rewind(Epoch epoch) override { return destination_->rewind(epoch); }
  void accept_duplicates() override { destination_->append(); }

 private:
  WritePostgres(Context& context, std::unique_ptr<PgDestination> destination)
      : OutboxSink(context), destination_(std::move(destination)) {}
  Status apply(std::span<const Prepared> due) override;
  Status write(std::span<const Batch> batches) override;

  std::unique_ptr<PgDestination> destination_;  // used by one thread at a time: loop, then commit
};

}  // namespace stream
