// TwoPhasePostgres: `commit: two-phase`: rows go to the server as they come, into a transaction that is prepared
// at the barrier and committed when the checkpoint is durable.
//
// Its name, stream:RUN:STAGE:INSTANCE:ATTEMPT:EPOCH, is kept in the state table `prepared`, and the committable's
// id is written in it. After a crash, what the checkpoint names is committed, unless that has happened; all others
// of the run are rolled back, before the first row is written.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/write-postgres/prepared_name.h"
#include "stages/write-postgres/write_postgres.h"

namespace stream {

class TwoPhasePostgres final : public Sink {
 public:
  static TableSpec table_spec();
  static Result<std::unique_ptr<Sink>> make(Context& context);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status prepare(Epoch epoch) override;
  Status commit(Epoch epoch) override;
  Status committed(Epoch epoch) override;
  Status on_restored(Epoch epoch) override;
  Status rewind(Epoch epoch) override { return destination_->rewind(epoch); }
  void accept_duplicates() override { destination_->append(); }

 private:
  TwoPhasePostgres(Context& context, std::unique_ptr<PgDestination> destination);
  Status connect_writer();
  Status send();
  Status end_old_connections(PgConnection& server) const;
  Status resolve(PgConnection& server);
  Status commit_one(PgConnection& server, const PreparedName& name);

  const std::string run_;
  const std::string stage_;
  const std::uint32_t instance_;
  const std::uint32_t parallelism_;
  const std::uint32_t attempt_;
  StateTable& table_;
  std::unique_ptr<PgDestination> destination_;  // of the commit thread, once rows come
  std::unique_ptr<PgConnection> writer_;        // of the loop thread; in a transaction while begun_
  bool begun_ = false;
  std::vector<Batch> pending_;
  std::size_t pending_bytes_ = 0;
  std::mutex mutex_;
  std::vector<PreparedName> prepared_;  // guarded by mutex_
};

}  // namespace stream
