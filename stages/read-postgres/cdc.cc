#include "stages/read-postgres/cdc.h"

#include <algorithm>
#include <cstdio>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr int kAtOnce = 2000;                   // rows or messages a poll
constexpr Microseconds kTryAgain = 200'000;     // after the server could not be reached, or the slot was in use
constexpr Microseconds kTellEvery = 5'000'000;  // the server that we live
constexpr std::size_t kSnapshotsBehind = 1;     // complete checkpoints that can be gone back behind

}  // namespace

CdcSource::CdcSource(Context& context, Setup setup)
    : clock_(context.clock), setup_(std::move(setup)), table_(context.state) {
  position_.tables = table_names();
}

CdcSource::~CdcSource() = default;

std::string CdcSource::table_names() const {
  std::string names;
  for (const auto& feed : setup_.feeds) names += (names.empty() ? "" : ",") + feed->facts().table;
  return names;
}

Status CdcSource::on_restored() {
  const CdcPosition restored = table_.load();
  if (restored.tables.empty()) return {};  // the snapshot was taken before anything had begun
  if (restored.tables != position_.tables) {
    return usage_error("the checkpoint follows the tables " + restored.tables + ", not " + position_.tables +
                       "; start anew with --fresh");
  }
  position_ = restored;
  if (position_.streaming) {
    for (const auto& feed : setup_.feeds) feed->follow();
  }
  return {};
}

Status CdcSource::before_snapshot() {
  table_.store(position_);
  snapshots_.push_back(position_.streaming ? position_.lsn : 0);
  while (snapshots_.size() > kSnapshotsBehind + 1) snapshots_.pop_front();
  return {};
}

// Checkpoints come one at a time, so the one that is complete is the newest, or comes before it.
Status CdcSource::on_complete(Epoch /*epoch*/) {
  if (snapshots_.size() <= kSnapshotsBehind || snapshots_.front() <= confirmed_) return {};
  confirmed_ = snapshots_.front();
  if (phase_ != Phase::kStream) return {};
  // That the connection is lost is noticed, and mended, by who reads from it.
  (void)send_status().ok();
  return {};
}

int CdcSource::wake_fd() const {
  if (phase_ == Phase::kRead) return reader_->socket();
  return phase_ == Phase::kSlot || phase_ == Phase::kStream ? replication_->socket() : -1;
}

Microseconds CdcSource::idle_wait() const { return phase_ == Phase::kConnect ? kTryAgain : 1'000'000; }

// A server that is gone is waited for; then everything goes on from where it stands in memory.
Result<Source::Poll> CdcSource::poll(Emitter& out) {
  Result<Poll> done = step(out);
  for (const auto& feed : setup_.feeds) STREAM_TRY(feed->flush(out));
  if (done.ok()) {
    if (phase_ == Phase::kRead || phase_ == Phase::kStream) failing_since_.reset();
    return done;
  }
  if (done.status().code() != Code::kSystem) return done;
  const Microseconds now = clock_.monotonic_us();
  if (!failing_since_) {
    failing_since_ = now;
    std::fprintf(stderr, "stream-read-postgres: warning: %s; trying again\n", done.status().what().c_str());
  }
  disconnect();
  if (now - *failing_since_ > kServerPatience) return done;
  return Poll::kIdle;
}

void CdcSource::disconnect() {
  replication_.reset();
  reader_.reset();
  relations_.clear();
  truncated_.clear();
  in_transaction_ = false;
  phase_ = Phase::kConnect;
}

Result<Source::Poll> CdcSource::step(Emitter& out) {
  switch (phase_) {
    case Phase::kConnect: return connect();
    case Phase::kSlot: return take_slot();
    case Phase::kRead: return read_rows(out);
    case Phase::kSweep: return sweep(out);
    case Phase::kStream: return stream(out);
  }
  return Poll::kIdle;
}

// --- connecting ----------------------------------------------------------------------------------

Result<Source::Poll> CdcSource::connect() {
  STREAM_ASSIGN(const auto server, PgConnection::open(setup_.dsn, {setup_.application, false}));
  if (!said_) {
    std::fprintf(stderr, "stream-read-postgres: replication slot '%s' and publication '%s' in PostgreSQL '%s'\n",
                 setup_.slot.name().c_str(), setup_.slot.publication().c_str(), server->name().c_str());
  }
  said_ = true;
  STREAM_TRY(end_connections(*server, setup_.application));
  return position_.streaming ? go_on(*server) : begin(*server);
}

Result<Source::Poll> CdcSource::wait_for_slot() {
  const Microseconds now = clock_.monotonic_us();
  if (!failing_since_) failing_since_ = now;
  if (now - *failing_since_ <= kServerPatience) return Poll::kIdle;
  return failed("the replication slot '" + setup_.slot.name() +
                "' is in use: another job of this name may run, see "
                "pg_replication_slots");
}

Result<Source::Poll> CdcSource::go_on(PgConnection& server) {
  STREAM_ASSIGN(const ReplicationSlot::State state, setup_.slot.state(server, position_.lsn));
  if (state == ReplicationSlot::State::kInUse) return wait_for_slot();
  STREAM_ASSIGN(replication_, PgConnection::open(setup_.dsn, {setup_.application, true}));
  STREAM_TRY(start_streaming());
  return Poll::kMore;
}

Result<Source::Poll> CdcSource::begin(PgConnection& server) {
  STREAM_TRY(setup_.slot.publish(server));
  STREAM_ASSIGN(const bool dropped, setup_.slot.drop(server));
  if (!dropped) return wait_for_slot();
  STREAM_ASSIGN(replication_, PgConnection::open(setup_.dsn, {setup_.application, true}));
  STREAM_TRY(replication_->send(setup_.slot.create_command()));
  phase_ = Phase::kSlot;
  return Poll::kMore;
}

// --- the tables as they are ----------------------------------------------------------------------

// It comes when every transaction that was open has ended.
Result<Source::Poll> CdcSource::take_slot() {
  STREAM_ASSIGN(const std::optional<PgRows> slot, replication_->take());
  if (!slot) return Poll::kIdle;
  STREAM_TRY(begin_reading(*slot));
  return Poll::kMore;
}

Status CdcSource::begin_reading(const PgRows& slot) {
  STREAM_ASSIGN(slot_begin_, parse_lsn(slot.text(0, 1)));
  STREAM_ASSIGN(reader_, PgConnection::open(setup_.dsn, {setup_.application, false}));
  STREAM_TRY(reader_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  STREAM_TRY(reader_->execute("SET TRANSACTION SNAPSHOT " + pg_literal(slot.text(0, 2))));
  if (++position_.pass > 1) {
    std::fprintf(stderr, "stream-read-postgres: the tables had not been read to their end: reading them again\n");
  }
  reading_ = 0;
  return read_next_table();
}

Status CdcSource::read_next_table() {
  if (reading_ == setup_.feeds.size()) {
    reading_ = 0;
    phase_ = Phase::kSweep;
    return {};
  }
  const TableFacts& facts = setup_.feeds[reading_]->facts();
  std::string columns;
  for (const Field& field : facts.columns) columns += (columns.empty() ? "" : ", ") + pg_name(field.name);
  phase_ = Phase::kRead;
  return reader_->begin_copy_out("COPY (SELECT " + columns + " FROM " + pg_table(facts.table) + ") TO STDOUT");
}

Result<Source::Poll> CdcSource::read_rows(Emitter& out) {
  for (int i = 0; i < kAtOnce; ++i) {
    STREAM_ASSIGN(const PgConnection::Copied copied, reader_->copy_out(piece_, false));
    if (copied == PgConnection::Copied::kNothingYet) return Poll::kIdle;
    if (copied == PgConnection::Copied::kEnd) {
      ++reading_;
      STREAM_TRY(read_next_table());
      return Poll::kMore;
    }
    const PgTuple row = split_copy_line(piece_, line_);
    STREAM_TRY(setup_.feeds[reading_]->read(row, position_.pass, out));
  }
  return Poll::kMore;
}

Result<Source::Poll> CdcSource::sweep(Emitter& out) {
  if (reading_ < setup_.feeds.size()) {
    STREAM_ASSIGN(const bool more, setup_.feeds[reading_]->sweep(position_.pass, out));
    if (!more) ++reading_;
    return Poll::kMore;
  }
  reader_.reset();
  for (const auto& feed : setup_.feeds) {
    STREAM_TRY(feed->flush(out));
    feed->follow();
  }
  position_.streaming = true;
  position_.lsn = slot_begin_;
  STREAM_TRY(start_streaming());
  return Poll::kMore;
}

// --- changes -------------------------------------------------------------------------------------

Status CdcSource::start_streaming() {
  STREAM_TRY(replication_->begin_copy_out(setup_.slot.start_command(position_.lsn)));
  received_ = position_.lsn;
  in_transaction_ = false;
  told_at_ = clock_.monotonic_us();
  phase_ = Phase::kStream;
  return {};
}

Result<Source::Poll> CdcSource::stream(Emitter& out) {
  for (int i = 0; i < kAtOnce; ++i) {
    if (!truncated_.empty()) {
      STREAM_ASSIGN(const bool more, truncated_.front()->truncate(out));
      if (more) return Poll::kMore;
      truncated_.pop_front();
      if (truncated_.empty()) count_change();
      continue;
    }
    STREAM_ASSIGN(const PgConnection::Copied copied, replication_->copy_out(piece_, false));
    if (copied == PgConnection::Copied::kEnd) return Status(Code::kSystem, "PostgreSQL has ended the replication");
    if (copied == PgConnection::Copied::kNothingYet) {
      if (clock_.monotonic_us() - told_at_ >= kTellEvery) STREAM_TRY(send_status());
      return Poll::kIdle;
    }
    STREAM_TRY(take_frame(piece_, out));
  }
  return Poll::kMore;
}

Status CdcSource::send_status() {
  told_at_ = clock_.monotonic_us();
  return replication_->put_copy(status_update(std::max(received_, confirmed_), confirmed_, clock_.wall_us()));
}

Status CdcSource::take_frame(std::string_view bytes, Emitter& out) {
  STREAM_ASSIGN(const PgFrame frame, parse_frame(bytes));
  received_ = std::max(received_, frame.end);
  if (frame.data) {
    STREAM_ASSIGN(const PgMessage message, parse_pgoutput(frame.bytes));
    return take_message(message, out);
  }
  // What other tables or databases wrote: nothing of it is for us.
  if (!in_transaction_) position_.lsn = std::max(position_.lsn, frame.end);
  return frame.reply ? send_status() : Status();
}

Status CdcSource::take_message(const PgMessage& message, Emitter& out) {
  using Kind = PgMessage::Kind;
  switch (message.kind) {
    case Kind::kBegin:
      in_transaction_ = true;
      // After a restart the same transactions come in the same order.
      if (position_.changes > 0 && message.xid != position_.xid) {
        return failed("transaction " + std::to_string(message.xid) + " comes where " + std::to_string(position_.xid) +
                      " was begun");
      }
      skip_ = position_.changes;
      position_.xid = message.xid;
      return {};
    case Kind::kCommit:
      in_transaction_ = false;
      position_.lsn = message.end;
      position_.changes = 0;
      return {};
    case Kind::kRelation: return learn(message);
    case Kind::kOther: return {};
    default: break;
  }
  if (skip_ > 0) {
    --skip_;
    return {};
  }
  return take_change(message, out);
}

void CdcSource::count_change() { ++position_.changes; }

Status CdcSource::learn(const PgMessage& relation) {
  const std::string whole = relation.schema + "." + relation.name;
  Relation& known = relations_[relation.relation];
  known = {};
  for (const auto& feed : setup_.feeds) {
    const std::string& table = feed->facts().table;
    if (table == whole || table == relation.name) known.feed = feed.get();
  }
  if (known.feed == nullptr) return {};  // of a publication that holds others too
  for (const Field& field : known.feed->facts().columns) {
    const auto at = std::ranges::find(relation.columns, field.name);
    if (at == relation.columns.end()) {
      return usage_error("table '" + whole + "' no longer has, or its publication lacks, the column '" + field.name +
                         "'; start anew with --fresh");
    }
    known.columns.push_back(static_cast<std::size_t>(at - relation.columns.begin()));
  }
  return {};
}

Result<PgTuple> CdcSource::arranged(std::uint32_t relation, const PgTuple& sent) const {
  PgTuple values;
  for (const std::size_t at : relations_.at(relation).columns) {
    if (at >= sent.size()) return failed("PostgreSQL sends fewer columns than it has told of");
    values.push_back(sent[at]);
  }
  return values;
}

Status CdcSource::take_change(const PgMessage& message, Emitter& out) {
  using Kind = PgMessage::Kind;
  if (message.kind == Kind::kTruncate) {
    for (const std::uint32_t id : message.truncated) {
      const auto known = relations_.find(id);
      if (known != relations_.end() && known->second.feed != nullptr) truncated_.push_back(known->second.feed);
    }
    if (truncated_.empty()) count_change();
    return {};
  }
  const auto known = relations_.find(message.relation);
  if (known == relations_.end()) return failed("PostgreSQL sends a change of a table it has not told of");
  TableFeed* feed = known->second.feed;
  if (feed != nullptr) {
    const std::string place = feed->facts().table + " after " + print_lsn(position_.lsn);
    std::optional<PgTuple> before;
    if (message.before) { STREAM_ASSIGN(before, arranged(message.relation, *message.before)); }
    STREAM_ASSIGN(const PgTuple after, message.kind == Kind::kDelete ? Result<PgTuple>(PgTuple())
                                                                     : arranged(message.relation, message.after));
    Status done = message.kind == Kind::kInsert   ? feed->insert(after, place, out)
                  : message.kind == Kind::kUpdate ? feed->update(before, after, place, out)
                                                  : feed->erase(before.value_or(PgTuple()), place, out);
    if (!done.ok()) return done;
  }
  count_change();
  return {};
}

}  // namespace stream
