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

  Status rewind(Epoch epoch) override { return destination_->rewind(epoch); }
  void accept_duplicates() override { destination_->append(); }

 private:
  WritePostgres(Context& context, std::unique_ptr<PgDestination> destination)
      : OutboxSink(context, outbox_spec("outbox", context.inputs[0]->fields)), destination_(std::move(destination)) {}
  Status begin(Epoch epoch, std::span<const Prepared> pending) override;
  Status make_visible(std::span<const Prepared> due) override;
  Status write_now(const std::vector<Batch>& batches) override;

  std::unique_ptr<PgDestination> destination_;  // used by one thread at a time: loop, then commit
};

}  // namespace stream
