// PgConnection: a connection to a PostgreSQL server, with Status for errors.
//
// Errors: kSystem where the server or the way to it is gone and may come back; kUsage where trying again is of
// no use: who may not log in, a database or table that is not there, what the server does not understand;
// kBadRecord for a row that a table refuses; else kFailed. Messages name the server as host/database, never a
// password. Every wait is bounded: by the timeouts below, and by TCP's keepalive.
//
// One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

struct pg_conn;
struct pg_result;

namespace stream {

// Rows of an answer, as text.
class PgRows {
 public:
  explicit PgRows(pg_result* result) : result_(result) {}
  PgRows(PgRows&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
  PgRows& operator=(PgRows&& other) noexcept {
    std::swap(result_, other.result_);
    return *this;
  }
  ~PgRows();

  std::size_t size() const;
  bool is_null(std::size_t row, std::size_t column) const;
  std::string text(std::size_t row, std::size_t column) const;  // "" for NULL
  std::int64_t changed() const;                                 // rows the statement has written

  std::size_t columns() const;
  std::string name(std::size_t column) const;
  std::string type(std::size_t column) const;  // format_type(OID, MODIFIER): an expression that gives its name

 private:
  pg_result* result_;
};

struct PgSettings {
  std::string application;   // application_name: how the server knows whose connection it is
  bool replication = false;  // of logical replication
};

class PgConnection {
 public:
  static Result<std::unique_ptr<PgConnection>> open(const std::string& dsn, const PgSettings& settings);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  using Parameters = std::vector<std::optional<std::string>>;

  Status execute(const std::string& sql);  // one command, or several separated by semicolons
  Result<PgRows> query(const std::string& sql);
  Result<PgRows> query(const std::string& sql, const Parameters& parameters);  // $1, $2, … as text

  // The same in two steps, for what may take long: nothing until the answer is there. Wait for socket().
  Status send(const std::string& sql);
  Result<std::optional<PgRows>> take();

  // Runs `work` between BEGIN and COMMIT, or rolls back. kSystem at COMMIT: nobody knows whether it happened.
  Status transact(const std::function<Status()>& work);

  // COPY … FROM STDIN with all these bytes.
  Status copy_in(const std::string& sql, std::string_view bytes);

  // COPY … TO STDOUT, or a replication stream: begin, then the pieces until there is none.
  Status begin_copy_out(const std::string& sql);
  enum class Copied : std::uint8_t { kPiece, kNothingYet, kEnd };
  Result<Copied> copy_out(std::string& piece, bool wait);
  // Into a replication stream.
  Status put_copy(std::string_view bytes);

  int socket() const;
  int server_version() const;  // 150020 is 15.20
  const std::string& name() const { return name_; }

 private:
  explicit PgConnection(pg_conn* connection);
  static Status check_dsn(const std::string& dsn);
  Status error(pg_result* result) const;
  Status lost() const;
  Result<PgRows> answer(pg_result* result) const;
  Status end_copy();

  pg_conn* connection_;
  std::string name_;
};

// How long a server may be away, or the way to it.
inline constexpr Microseconds kServerPatience = 60'000'000;
inline bool server_is_away(const Status& status) { return status.code() == Code::kSystem; }

// "name" with quotes doubled, 'text' likewise; schema.table as "schema"."table".
std::string pg_name(std::string_view name);
std::string pg_literal(std::string_view text);
std::string pg_table(std::string_view name);

}  // namespace stream
