#include "stages/postgres/connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>

#include "transport/base/text.h"

namespace stream {
namespace {

// The first line of libpq's words, without its "ERROR:  ".
std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  for (const std::string_view prefix : {"ERROR:  ", "FATAL:  "}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  return std::string(trim(text));
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

// What the classes of SQLSTATE mean for who has asked.
Code code_of(const std::string& state) {
  const std::string kind = state.substr(0, 2);
  if (kind == "22" || kind == "23") return Code::kBadRecord;
  if (kind == "08" || kind == "53" || kind == "57" || kind == "58") return Code::kSystem;
  if (kind == "42" || kind == "28" || kind == "3D" || kind == "3F" || kind == "0A") return Code::kUsage;
  return Code::kFailed;
}

// A server that is not there yet says the same as one that never was: trying again is right for both.
Code code_of_refusal(std::string_view text) {
  for (const std::string_view final :
       {"authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied",
        "invalid connection option", "permission denied", "missing \"=\" after", "certificate verify failed",
        "does not match host name", "root certificate file", "does not support SSL", "invalid sslmode"}) {
    if (text.find(final) != std::string_view::npos) return Code::kUsage;
  }
  return Code::kSystem;
}

struct Free {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Owned = std::unique_ptr<PGresult, Free>;

}  // namespace

PgRows::~PgRows() { PQclear(result_); }
std::size_t PgRows::size() const { return static_cast<std::size_t>(PQntuples(result_)); }
bool PgRows::is_null(std::size_t row, std::size_t column) const {
  return PQgetisnull(result_, static_cast<int>(row), static_cast<int>(column)) != 0;
}
std::string PgRows::text(std::size_t row, std::size_t column) const {
  const int at_row = static_cast<int>(row);
  const int at_column = static_cast<int>(column);
  return {PQgetvalue(result_, at_row, at_column), static_cast<std::size_t>(PQgetlength(result_, at_row, at_column))};
}
std::int64_t PgRows::changed() const { return std::atoll(PQcmdTuples(result_)); }
std::size_t PgRows::columns() const { return static_cast<std::size_t>(PQnfields(result_)); }
std::string PgRows::name(std::size_t column) const { return PQfname(result_, static_cast<int>(column)); }
std::string PgRows::type(std::size_t column) const {
  const int at = static_cast<int>(column);
  return "format_type(" + std::to_string(PQftype(result_, at)) + ", " + std::to_string(PQfmod(result_, at)) + ")";
}

PgConnection::PgConnection(pg_conn* connection) : connection_(connection) {
  const auto text = [](const char* part) { return std::string(part == nullptr ? "" : part); };
  name_ = text(PQhost(connection_)) + "/" + text(PQdb(connection_));
}

PgConnection::~PgConnection() { PQfinish(connection_); }

// libpq's own words would quote the text, and with it a password.
Status PgConnection::check_dsn(const std::string& dsn) {
  char* why = nullptr;
  PQconninfoOption* options = PQconninfoParse(dsn.c_str(), &why);
  PQfreemem(why);
  const bool good = options != nullptr;
  PQconninfoFree(options);
  return good ? Status()
              : usage_error(
                    "the secret is no connection string of PostgreSQL: 'host=db dbname=shop user=me', or "
                    "postgresql://me@db/shop");
}

Result<std::unique_ptr<PgConnection>> PgConnection::open(const std::string& dsn, const PgSettings& settings) {
  STREAM_TRY(check_dsn(dsn));
  // What the user says comes last but one, so that it may override all but what we rely on.
  const std::array<const char*, 9> names = {"connect_timeout",  "keepalives_idle", "keepalives_interval",
                                            "keepalives_count", "dbname",          "application_name",
                                            "client_encoding",  "replication",     nullptr};
  const std::array<const char*, 9> values = {"10",        "10",
                                             "5",         "3",
                                             dsn.c_str(), settings.application.c_str(),
                                             "UTF8",      settings.replication ? "database" : nullptr,
                                             nullptr};
  PGconn* raw = PQconnectdbParams(names.data(), values.data(), 1);
  if (raw == nullptr) return Status(Code::kSystem, "no memory for a connection to PostgreSQL");
  std::unique_ptr<PgConnection> connection(new PgConnection(raw));
  if (PQstatus(raw) != CONNECTION_OK) {
    const std::string why = first_line(PQerrorMessage(raw));
    return Status(code_of_refusal(why), "unable to connect to PostgreSQL '" + connection->name_ + "': " + why);
  }
  PQsetNoticeProcessor(
      raw, [](void*, const char*) {}, nullptr);
  STREAM_TRY(
      connection->execute("SET datestyle = 'ISO'; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; "
                          "SET extra_float_digits = 3; SET bytea_output = 'hex'; SET lock_timeout = '30s'; "
                          "SET standard_conforming_strings = on"));
  return connection;
}

Status PgConnection::lost() const {
  return {Code::kSystem, "PostgreSQL '" + name_ + "': " + first_line(PQerrorMessage(connection_))};
}

Status PgConnection::error(pg_result* result) const {
  if (result == nullptr || PQstatus(connection_) == CONNECTION_BAD) return lost();
  const std::string state = field(result, PG_DIAG_SQLSTATE);
  std::string what = "PostgreSQL '" + name_ + "': " + field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (state.empty()) what += first_line(PQresultErrorMessage(result));
  for (const int extra : {PG_DIAG_MESSAGE_DETAIL, PG_DIAG_CONTEXT}) {
    const std::string text = first_line(field(result, extra));
    if (!text.empty()) what += "; " + text;
  }
  return {code_of(state), what};
}

Result<PgRows> PgConnection::answer(pg_result* result) const {
  PgRows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return rows;
  return error(result);
}

Status PgConnection::execute(const std::string& sql) { return query(sql).status(); }

Result<PgRows> PgConnection::query(const std::string& sql) { return answer(PQexec(connection_, sql.c_str())); }

Result<PgRows> PgConnection::query(const std::string& sql, const Parameters& parameters) {
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  return answer(PQexecParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                             nullptr, 0));
}

Status PgConnection::send(const std::string& sql) {
  return PQsendQuery(connection_, sql.c_str()) == 1 ? Status() : lost();
}

Result<std::optional<PgRows>> PgConnection::take() {
  if (PQconsumeInput(connection_) == 0) return lost();
  if (PQisBusy(connection_) != 0) return std::optional<PgRows>();
  STREAM_ASSIGN(PgRows rows, answer(PQgetResult(connection_)));
  while (PGresult* rest = PQgetResult(connection_)) PQclear(rest);
  return std::optional<PgRows>(std::move(rows));
}

Status PgConnection::transact(const std::function<Status()>& work) {
  STREAM_TRY(execute("BEGIN"));
  Status done = work();
  if (done.ok()) return execute("COMMIT");
  // The first error is the one to tell: that nothing can be rolled back where the server is gone adds nothing.
  (void)execute("ROLLBACK").ok();
  return done;
}

Status PgConnection::end_copy() {
  Status status;
  while (PGresult* raw = PQgetResult(connection_)) {
    const Owned result(raw);
    if (status.ok() && PQresultStatus(raw) != PGRES_COMMAND_OK) status = error(raw);
    if (PQresultStatus(raw) == PGRES_COPY_IN || PQstatus(connection_) == CONNECTION_BAD) break;
  }
  return status;
}

Status PgConnection::copy_in(const std::string& sql, std::string_view bytes) {
  constexpr std::size_t kPiece = 1 << 20;
  {
    const Owned begun(PQexec(connection_, sql.c_str()));
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) return error(begun.get());
  }
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::string_view piece = bytes.substr(at, kPiece);
    if (PQputCopyData(connection_, piece.data(), static_cast<int>(piece.size())) != 1) return lost();
  }
  if (PQputCopyEnd(connection_, nullptr) != 1) return lost();
  return end_copy();
}

Status PgConnection::begin_copy_out(const std::string& sql) {
  const Owned begun(PQexec(connection_, sql.c_str()));
  const ExecStatusType status = PQresultStatus(begun.get());
  return status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ? Status() : error(begun.get());
}

Result<PgConnection::Copied> PgConnection::copy_out(std::string& piece, bool wait) {
  char* bytes = nullptr;
  int size = PQgetCopyData(connection_, &bytes, wait ? 0 : 1);
  if (size == 0) {
    if (PQconsumeInput(connection_) == 0) return lost();
    size = PQgetCopyData(connection_, &bytes, 1);
  }
  if (size > 0) {
    piece.assign(bytes, static_cast<std::size_t>(size));
    PQfreemem(bytes);
    return Copied::kPiece;
  }
  if (size == 0) return Copied::kNothingYet;
  if (size == -2) return lost();
  STREAM_TRY(end_copy());
  return Copied::kEnd;
}

Status PgConnection::put_copy(std::string_view bytes) {
  const bool put = PQputCopyData(connection_, bytes.data(), static_cast<int>(bytes.size())) == 1;
  return put && PQflush(connection_) >= 0 ? Status() : lost();
}

int PgConnection::socket() const { return PQsocket(connection_); }
int PgConnection::server_version() const { return PQserverVersion(connection_); }

std::string pg_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string pg_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string pg_table(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return pg_name(name);
  return pg_name(name.substr(0, dot)) + "." + pg_name(name.substr(dot + 1));
}

}  // namespace stream
