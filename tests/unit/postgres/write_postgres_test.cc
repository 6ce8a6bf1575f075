#include "stages/write-postgres/two_phase.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/postgres_server.h"
#include "tests/support/sink_rig.h"

using namespace stream;

namespace {

// One server for all; null where none is installed.
PostgresServer* server() {
  static PostgresServer one;
  static const bool started = PostgresServer::installed() && one.start("-c max_prepared_transactions=20");
  if (started) ::setenv("STREAM_TEST_PG", one.dsn().c_str(), 1);
  return started ? &one : nullptr;
}

std::string query(const std::string& sql) {
  const auto connection = PgConnection::open(server()->dsn(), {"test", false});
  BOOST_REQUIRE_MESSAGE(connection.ok(), connection.status().what());
  const auto rows = (*connection)->query(sql);
  BOOST_REQUIRE_MESSAGE(rows.ok(), rows.status().what());
  std::string out;
  for (std::size_t i = 0; i < rows->size(); ++i) out += rows->text(i, 0) + "\n";
  return out;
}

SchemaPtr schema_of(bool changes) {
  Schema schema = *parse_schema("n bigint, s varchar");
  if (changes) {
    schema.changelog = Changelog::kUpdates;
    schema.key = {0};
  }
  return std::make_shared<const Schema>(schema);
}

enum class Way { kAppend, kTwoPhase, kChanges };

struct Setup {
  explicit Setup(Way way) : schema(schema_of(way == Way::kChanges)) {
    query("DROP TABLE IF EXISTS t, _stream_sinks, _stream_commits");
    values.set("dsn", "env:STREAM_TEST_PG");
    values.set("table", "t");
    values.set("commit", way == Way::kTwoPhase ? "two-phase" : "outbox");
  }
  SinkRig rig() { return {make_write_postgres, values, schema, dir.path()}; }
  std::string rows() const { return query("SELECT concat_ws('|', n, s) FROM t ORDER BY n NULLS FIRST, s"); }

  TempDir dir;
  Values values;
  SchemaPtr schema;
};

SinkScript script_of(Way way, const SchemaPtr& schema) {
  SinkScript script;
  if (way == Way::kChanges) {
    script.epochs = {{rows_of(schema, {"+I 1 a", "+I 2 b", "+I - x"})},
                     {rows_of(schema, {"-U 1 a", "+U 1 aa", "+I 3 c", "-U - x", "+U - y"})},
                     {rows_of(schema, {"-D 2 b", "+I 4 d"})},
                     {rows_of(schema, {"-D 3 c", "+I 2 bb", "+I 5 e"}), rows_of(schema, {"-D 5 e"})},
                     {rows_of(schema, {"-U 1 aa", "+U 1 aaa", "+I 3 cc"})}};
    script.aborted = {2};
  } else {
    script.epochs = {{rows_of(schema, {"+I 1 a", "+I 2 b"})},
                     {rows_of(schema, {"+I 3 c"}), rows_of(schema, {"+I 1 a"})},
                     {},
                     {rows_of(schema, {"+I - -", "+I 5 e"})},
                     {rows_of(schema, {"+I 6 f"})}};
    script.aborted = {1};
  }
  return script;
}

std::string undisturbed(Way way) {
  Setup setup(way);
  SinkRig rig = setup.rig();
  BOOST_REQUIRE_MESSAGE(rig.live(script_of(way, setup.schema)), rig.error().what());
  return setup.rows();
}

void die_everywhere(Way way) {
  if (server() == nullptr) return;
  const std::string expected = undisturbed(way);
  BOOST_TEST(expected == (way == Way::kChanges ? "y\n1|aaa\n2|bb\n3|cc\n4|d\n" : "\n1|a\n1|a\n2|b\n3|c\n5|e\n6|f\n"));
  for (std::size_t first = 0;; ++first) {
    BOOST_TEST_CONTEXT("dies behind step " << first) {
      Setup setup(way);
      const SinkScript script = script_of(way, setup.schema);
      SinkRig rig = setup.rig();
      if (rig.live(script, first)) {
        BOOST_TEST(first > 20);
        return;
      }
      if (first % 2 == 0) rig.live(script, 2);  // and again, when it has hardly begun
      BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
      BOOST_REQUIRE_EQUAL(setup.rows(), expected);
      BOOST_REQUIRE_EQUAL(query("SELECT gid FROM pg_prepared_xacts"), "");
    }
  }
}

void rewind_everywhere(Way way) {
  if (server() == nullptr) return;
  const std::string expected = undisturbed(way);
  for (std::size_t kept = 0; kept <= 5; ++kept) {
    BOOST_TEST_CONTEXT("only " << kept << " checkpoints are left") {
      Setup setup(way);
      const SinkScript script = script_of(way, setup.schema);
      SinkRig rig = setup.rig();
      BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
      rig.lose_checkpoints_after(kept);
      BOOST_REQUIRE_MESSAGE(rig.live(script, SIZE_MAX, true), rig.error().what());
      BOOST_REQUIRE_EQUAL(setup.rows(), expected);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(write_postgres)

BOOST_AUTO_TEST_CASE(appended_rows_are_there_once_wherever_the_process_dies) { die_everywhere(Way::kAppend); }
BOOST_AUTO_TEST_CASE(prepared_rows_are_there_once_wherever_the_process_dies) { die_everywhere(Way::kTwoPhase); }
BOOST_AUTO_TEST_CASE(changes_are_applied_once_wherever_the_process_dies) { die_everywhere(Way::kChanges); }
BOOST_AUTO_TEST_CASE(appended_rows_of_lost_checkpoints_are_taken_back) { rewind_everywhere(Way::kAppend); }
BOOST_AUTO_TEST_CASE(prepared_rows_of_lost_checkpoints_are_taken_back) { rewind_everywhere(Way::kTwoPhase); }
BOOST_AUTO_TEST_CASE(keys_of_lost_checkpoints_are_written_again) { rewind_everywhere(Way::kChanges); }

BOOST_AUTO_TEST_CASE(an_existing_table_is_refused_appended_to_or_replaced_by_a_fresh_run) {
  if (server() == nullptr) return;
  Setup setup(Way::kAppend);
  SinkScript script;
  script.epochs = {{rows_of(setup.schema, {"+I 1 a"})}};
  BOOST_REQUIRE(setup.rig().live(script));
  const auto again = [&](char run, const char* if_exists) {
    if (if_exists != nullptr) setup.values.set("if-exists", if_exists);
    SinkRig rig = setup.rig();
    rig.run = std::string(32, run);
    rig.live(script);
    return rig.error();
  };
  const Status refused = again('b', nullptr);
  BOOST_TEST((refused.code() == Code::kUsage));
  BOOST_TEST(refused.what().find("give --if-exists append or replace") != std::string::npos, refused.what());
  require_ok(again('c', "append"));
  BOOST_TEST(setup.rows() == "1|a\n1|a\n");
  require_ok(again('d', "replace"));
  BOOST_TEST(setup.rows() == "1|a\n");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_for_good_is_never_tried_again) {
  if (server() == nullptr) return;
  const auto error_with = [&](const std::string& table, Way way) {
    Setup setup(way);
    setup.values.set("if-exists", "append");
    query(table);
    SinkScript script;
    script.epochs = {{rows_of(setup.schema, {"+I 1 a", "+I 2 -"})}};
    SinkRig rig = setup.rig();
    BOOST_TEST(!rig.live(script));
    query("ROLLBACK");
    return rig.error();
  };
  for (const Way way : {Way::kAppend, Way::kTwoPhase}) {
    for (const auto& [table, says] :
         {std::pair{"CREATE TABLE t (n bigint, s text NOT NULL)", "violates not-null"},
          {"CREATE TABLE t (n bigint CHECK (n < 2), s text)", "violates check constraint"}}) {
      const Status refused = error_with(table, way);
      BOOST_TEST((refused.code() == Code::kBadRecord), refused.what());
      BOOST_TEST(refused.what().find(says) != std::string::npos, refused.what());
      BOOST_TEST(refused.what().ends_with(R"(: {"n":2,"s":null})"), refused.what());
    }
  }
  const Status typed = error_with("CREATE TABLE t (n bigint, s date)", Way::kAppend);
  BOOST_TEST((typed.code() == Code::kBadRecord), typed.what());
  const Status column = error_with("CREATE TABLE t (n bigint, name text)", Way::kAppend);
  BOOST_TEST((column.code() == Code::kUsage), column.what());
  BOOST_TEST(column.what().find("has no column 's'") != std::string::npos, column.what());
  const Status key = error_with("CREATE TABLE t (n bigint, s text)", Way::kChanges);
  BOOST_TEST((key.code() == Code::kUsage), key.what());
  BOOST_TEST(key.what().ends_with("CREATE UNIQUE INDEX ON \"t\" (\"n\")"), key.what());
  const Status view = error_with("CREATE VIEW t AS SELECT 1 AS n, '' AS s", Way::kAppend);
  BOOST_TEST(view.what().ends_with("is no table"), view.what());
  query("DROP VIEW t");
}

BOOST_AUTO_TEST_CASE(rows_that_somebody_rolled_back_are_missed) {
  if (server() == nullptr) return;
  Setup setup(Way::kTwoPhase);
  SinkScript script;
  script.epochs = {{rows_of(setup.schema, {"+I 1 a"})}};
  SinkRig rig = setup.rig();
  BOOST_TEST(!rig.live(script, 4));  // the checkpoint is complete, its commit has not come
  query("ROLLBACK PREPARED 'stream:" + rig.run + ":sink:0:1:1'");
  BOOST_TEST(!rig.live(script));
  BOOST_TEST((rig.error().code() == Code::kUsage), rig.error().what());
  BOOST_TEST(rig.error().what().find("is gone") != std::string::npos, rig.error().what());
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_may_come_back_and_a_stranger_may_not_log_in) {
  if (server() == nullptr) return;
  const auto nowhere = PgConnection::open("host=/nowhere-at-all dbname=x password=sesame", {"test", false});
  BOOST_TEST((nowhere.status().code() == Code::kSystem), nowhere.status().what());
  BOOST_TEST(nowhere.status().what().find("sesame") == std::string::npos);
  const auto garbled = PgConnection::open("postgres//me:sesame@db", {"test", false});
  BOOST_TEST((garbled.status().code() == Code::kUsage), garbled.status().what());
  BOOST_TEST(garbled.status().what().find("sesame") == std::string::npos);
  const auto stranger =
      PgConnection::open("host=" + server()->folder() + " user=stranger dbname=postgres", {"test", false});
  BOOST_TEST((stranger.status().code() == Code::kUsage), stranger.status().what());
  const auto no_database =
      PgConnection::open("host=" + server()->folder() + " user=postgres dbname=nothing", {"test", false});
  BOOST_TEST((no_database.status().code() == Code::kUsage), no_database.status().what());
}

BOOST_AUTO_TEST_SUITE_END()
