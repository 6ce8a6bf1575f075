// Messages of PostgreSQL's logical replication with the plugin pgoutput, version 1. Pure.
//
// A transaction comes whole, when it has been committed: kBegin, changes, kCommit. Before the first change of a
// table, and when it has changed itself, kRelation says what it looks like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream {

using Lsn = std::uint64_t;  // a position in the server's log

std::string print_lsn(Lsn lsn);  // "16/B374D848"
Result<Lsn> parse_lsn(std::string_view text);

struct PgValue {
  bool null = false;
  bool unchanged = false;  // a large value that the change did not touch, and so is not sent
  std::string_view text = {};
};
using PgTuple = std::vector<PgValue>;

struct PgMessage {
  enum class Kind : std::uint8_t { kBegin, kCommit, kRelation, kInsert, kUpdate, kDelete, kTruncate, kOther };
  Kind kind = Kind::kOther;
  std::uint32_t xid = 0;                  // kBegin
  Lsn end = 0;                            // kCommit: behind the transaction
  std::uint32_t relation = 0;             // kRelation, kInsert, kUpdate, kDelete
  std::string schema = {};                // kRelation
  std::string name = {};                  // kRelation
  std::vector<std::string> columns = {};  // kRelation
  std::optional<PgTuple> before = {};     // kUpdate, kDelete: the key alone, or the row; kUpdate: if it is sent
  PgTuple after = {};                     // kInsert, kUpdate
  std::vector<std::uint32_t> truncated = {};
};

// The texts of the message are views of `bytes`. Errors: kFailed for what is no such message.
Result<PgMessage> parse_pgoutput(std::string_view bytes);

// What the replication connection carries around them.
struct PgFrame {
  bool data = false;            // else a sign of life
  Lsn end = 0;                  // the server has sent everything up to here
  bool reply = false;           // it wants an answer now
  std::string_view bytes = {};  // of a message
};
Result<PgFrame> parse_frame(std::string_view bytes);

// The answer: everything up to `flushed` is durable here and need not be kept there.
std::string status_update(Lsn received, Lsn flushed, std::int64_t now_wall_us);

}  // namespace stream
