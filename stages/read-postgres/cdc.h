// CdcSource: `mode: cdc`: tables as they are, then every change of them, each exactly once.
//
// The tables are read in one transaction that sees what the slot's beginning sees. A checkpoint meanwhile holds
// the rows emitted so far: who restores it makes the slot anew, reads again from the beginning, and emits only
// what is different. Then changes come, in the order of their commits. The position is the end of the last whole
// transaction and how many changes of the next have been emitted; the server is told of it only when the next
// checkpoint is complete, so that one lost checkpoint can be gone back behind.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "stages/read-postgres/cdc_position.h"
#include "stages/read-postgres/slot.h"
#include "stages/read-postgres/table_feed.h"

namespace stream {

class CdcSource final : public Source {
 public:
  struct Setup {
    std::string dsn;
    std::string application;
    ReplicationSlot slot;
    std::vector<std::unique_ptr<TableFeed>> feeds;
  };

  CdcSource(Context& context, Setup setup);
  ~CdcSource() override;

  Result<Poll> poll(Emitter& out) override;
  int wake_fd() const override;
  Microseconds idle_wait() const override;
  Status on_restored() override;
  Status before_snapshot() override;
  Status on_complete(Epoch epoch) override;

 private:
  enum class Phase : std::uint8_t { kConnect, kSlot, kRead, kSweep, kStream };

  Result<Poll> step(Emitter& out);
  Result<Poll> connect();
  Result<Poll> go_on(PgConnection& server);
  Result<Poll> begin(PgConnection& server);
  Result<Poll> take_slot();
  Status begin_reading(const PgRows& slot);
  Status read_next_table();
  Result<Poll> read_rows(Emitter& out);
  Result<Poll> sweep(Emitter& out);
  Status start_streaming();
  Result<Poll> stream(Emitter& out);
  Status take_frame(std::string_view bytes, Emitter& out);
  Status take_message(const PgMessage& message, Emitter& out);
  Status take_change(const PgMessage& message, Emitter& out);
  Status learn(const PgMessage& relation);
  Result<PgTuple> arranged(std::uint32_t relation, const PgTuple& sent) const;
  void count_change();
  Status send_status();
  Result<Poll> wait_for_slot();
  void disconnect();
  std::string table_names() const;

  // A table as the server sends it: for each of our columns, where it stands.
  struct Relation {
    TableFeed* feed = nullptr;
    std::vector<std::size_t> columns;
  };

  const Clock& clock_;
  Setup setup_;
  CdcPositionTable table_;
  CdcPosition position_;
  std::deque<Lsn> snapshots_;  // positions of the newest snapshots, oldest first
  Lsn confirmed_ = 0;          // the server may forget what is before
  Lsn received_ = 0;

  Phase phase_ = Phase::kConnect;
  std::unique_ptr<PgConnection> replication_;
  std::unique_ptr<PgConnection> reader_;  // sees the tables as the slot's beginning
  Lsn slot_begin_ = 0;
  std::size_t reading_ = 0;  // which table
  std::map<std::uint32_t, Relation> relations_;
  std::deque<TableFeed*> truncated_;  // of the last change, not yet emptied
  bool in_transaction_ = false;
  std::int64_t skip_ = 0;  // changes of the transaction that have been emitted before
  std::optional<Microseconds> failing_since_;
  Microseconds told_at_ = 0;  // when the server last heard from us
  bool said_ = false;         // what the slot is called
  std::string piece_;
  std::string line_;
};

}  // namespace stream
