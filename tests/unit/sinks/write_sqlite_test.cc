#include <boost/test/unit_test.hpp>

#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>

#include "stages/write-sqlite/write_sqlite.h"
#include "tests/support/sink_rig.h"

using namespace stream;

namespace {

// Every row of the query, values joined by |, one a line.
std::string query(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  BOOST_REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  std::string out;
  const auto row = [](void* to, int count, char** values, char**) {
    std::string& text = *static_cast<std::string*>(to);
    for (int i = 0; i < count; ++i) text += (i > 0 ? "|" : "") + std::string(values[i] != nullptr ? values[i] : "NULL");
    text += "\n";
    return 0;
  };
  char* message = nullptr;
  sqlite3_exec(db, sql.c_str(), row, &out, &message);
  BOOST_REQUIRE_MESSAGE(message == nullptr, message);
  sqlite3_close(db);
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

struct Setup {
  explicit Setup(bool changes) : schema(schema_of(changes)) {
    values.set("path", "out.db");
    values.set("table", "t");
  }
  SinkRig rig() { return {WriteSqlite::make, values, schema, dir.path()}; }
  std::string rows() const { return query(dir / "out.db", "SELECT n, s FROM t ORDER BY n, s"); }

  TempDir dir;
  Values values;
  SchemaPtr schema;
};

// Lets files grow to `limit` bytes only, while it commits.
class SmallDisk final : public Sink {
 public:
  SmallDisk(std::unique_ptr<Sink> sink, rlim_t limit) : sink_(std::move(sink)), limit_(limit) {}
  Status on_batch(std::size_t input, Batch batch, Emitter& out) override {
    return sink_->on_batch(input, std::move(batch), out);
  }
  Status prepare(Epoch epoch) override { return sink_->prepare(epoch); }
  Status commit(Epoch epoch) override {
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{limit_, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    Status status = sink_->commit(epoch);
    ::setrlimit(RLIMIT_FSIZE, &before);
    return status;
  }
  Status committed(Epoch epoch) override { return sink_->committed(epoch); }
  Status on_restored(Epoch epoch) override { return sink_->on_restored(epoch); }
  Status rewind(Epoch epoch) override { return sink_->rewind(epoch); }

 private:
  std::unique_ptr<Sink> sink_;
  rlim_t limit_;
};

SinkScript append_script(const SchemaPtr& schema) {
  SinkScript script;
  script.epochs = {{rows_of(schema, {"+I 1 a", "+I 2 b"})},
                   {rows_of(schema, {"+I 3 c"}), rows_of(schema, {"+I 1 a"})},
                   {},
                   {rows_of(schema, {"+I - -", "+I 5 e"})},
                   {rows_of(schema, {"+I 6 f"})}};
  script.aborted = {1};
  return script;
}

SinkScript changes_script(const SchemaPtr& schema) {
  SinkScript script;
  script.epochs = {{rows_of(schema, {"+I 1 a", "+I 2 b", "+I - x"})},
                   {rows_of(schema, {"-U 1 a", "+U 1 aa", "+I 3 c", "-U - x", "+U - y"})},
                   {rows_of(schema, {"-D 2 b", "+I 4 d"})},
                   {rows_of(schema, {"-D 3 c", "+I 2 bb", "+I 5 e"}), rows_of(schema, {"-D 5 e"})},
                   {rows_of(schema, {"-U 1 aa", "+U 1 aaa", "+I 3 cc"})}};
  script.aborted = {2};
  return script;
}

std::string undisturbed(bool changes, const SinkScript& script) {
  Setup setup(changes);
  SinkRig rig = setup.rig();
  BOOST_REQUIRE(rig.live(script));
  return setup.rows();
}

void die_everywhere(bool changes) {
  const SinkScript script = changes ? changes_script(schema_of(true)) : append_script(schema_of(false));
  const std::string expected = undisturbed(changes, script);
  for (std::size_t first = 0;; ++first) {
    for (const std::size_t second : {std::size_t{0}, std::size_t{2}, std::size_t{5}, SIZE_MAX}) {
      BOOST_TEST_CONTEXT("dies behind step " << first << ", then " << second) {
        Setup setup(changes);
        SinkRig rig = setup.rig();
        if (rig.live(script, first)) {
          BOOST_TEST(first > 20);
          return;
        }
        if (second != SIZE_MAX) rig.live(script, second);
        BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
        BOOST_REQUIRE_EQUAL(setup.rows(), expected);
      }
    }
  }
}

void rewind_everywhere(bool changes) {
  const SinkScript script = changes ? changes_script(schema_of(true)) : append_script(schema_of(false));
  const std::string expected = undisturbed(changes, script);
  for (std::size_t kept = 0; kept <= script.epochs.size(); ++kept) {
    BOOST_TEST_CONTEXT("only " << kept << " checkpoints are left") {
      Setup setup(changes);
      SinkRig rig = setup.rig();
      BOOST_REQUIRE(rig.live(script));
      rig.lose_checkpoints_after(kept);
      BOOST_REQUIRE_MESSAGE(rig.live(script, SIZE_MAX, true), rig.error().what());
      BOOST_REQUIRE_EQUAL(setup.rows(), expected);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(write_sqlite)

BOOST_AUTO_TEST_CASE(appended_rows_are_there_once_wherever_the_process_dies) { die_everywhere(false); }
BOOST_AUTO_TEST_CASE(changes_are_applied_once_wherever_the_process_dies) { die_everywhere(true); }
BOOST_AUTO_TEST_CASE(appended_rows_of_lost_checkpoints_are_taken_back) { rewind_everywhere(false); }
BOOST_AUTO_TEST_CASE(keys_of_lost_checkpoints_are_taken_back) { rewind_everywhere(true); }

// It commits again what its successor has taken back, and what it knows to be complete.
BOOST_AUTO_TEST_CASE(an_earlier_attempt_that_wakes_commits_nothing) {
  std::size_t refused = 0;
  for (const bool changes : {false, true}) {
    const SinkScript script = changes ? changes_script(schema_of(true)) : append_script(schema_of(false));
    const std::string expected = undisturbed(changes, script);
    for (std::size_t first = 0; first < 30; ++first) {
      for (const std::size_t kept : {std::size_t{0}, std::size_t{2}, std::size_t{9}}) {
        BOOST_TEST_CONTEXT("stands still behind step " << first << ", " << kept << " checkpoints are left") {
          Setup setup(changes);
          SinkRig rig = setup.rig();
          rig.zombie = [&](Sink& sink, Epoch complete) {
            const Status status = sink.commit(complete);
            if (!status.ok() && status.what().find("no longer wanted") != std::string::npos) ++refused;
          };
          rig.live(script, first);
          const bool rewinds = rig.checkpoints() > kept;
          if (rewinds) rig.lose_checkpoints_after(kept);
          BOOST_REQUIRE_MESSAGE(rig.live(script, SIZE_MAX, rewinds), rig.error().what());
          BOOST_REQUIRE_EQUAL(setup.rows(), expected);
        }
      }
    }
  }
  BOOST_TEST(refused > 0U);
}

BOOST_AUTO_TEST_CASE(a_rewind_leaves_exactly_the_rows_of_the_checkpoint) {
  Setup setup(false);
  SinkRig rig = setup.rig();
  BOOST_REQUIRE(rig.live(append_script(setup.schema)));
  rig.lose_checkpoints_after(1);
  BOOST_TEST(!rig.live(append_script(setup.schema), 1, true));
  BOOST_TEST(setup.rows() == "1|a\n2|b\n");
}

BOOST_AUTO_TEST_CASE(an_existing_table_is_refused_appended_to_or_replaced_by_a_fresh_run) {
  Setup setup(false);
  SinkScript script;
  script.epochs = {{rows_of(setup.schema, {"+I 1 a"})}};
  BOOST_REQUIRE(setup.rig().live(script));
  SinkRig refused = setup.rig();
  refused.run = std::string(32, 'b');
  BOOST_TEST(!refused.live(script));
  BOOST_TEST((refused.error().code() == Code::kUsage));
  BOOST_TEST(refused.error().what() ==
             "table 't' exists in '" + (setup.dir / "out.db") + "'; give --if-exists append or replace");
  setup.values.set("if-exists", "append");
  SinkRig appending = setup.rig();
  appending.run = std::string(32, 'c');
  BOOST_REQUIRE(appending.live(script));
  BOOST_TEST(setup.rows() == "1|a\n1|a\n");
  setup.values.set("if-exists", "replace");
  SinkRig replacing = setup.rig();
  replacing.run = std::string(32, 'd');
  BOOST_REQUIRE(replacing.live(script));
  BOOST_TEST(setup.rows() == "1|a\n");
}

BOOST_AUTO_TEST_CASE(a_table_without_a_column_and_a_file_in_no_folder_are_clear_errors) {
  Setup setup(false);
  query(setup.dir / "out.db", "CREATE TABLE t (m INTEGER, s TEXT)");
  setup.values.set("if-exists", "append");
  SinkRig rig = setup.rig();
  BOOST_TEST(!rig.live({}));
  BOOST_TEST(rig.error().what().starts_with("table 't' in '" + (setup.dir / "out.db") + "' has no column 'n'"));
  setup.values.set("path", "absent/out.db");
  SinkRig nowhere = setup.rig();
  BOOST_TEST(!nowhere.live({}));
  BOOST_TEST(nowhere.error().what() ==
             "unable to open '" + (setup.dir / "absent/out.db") + "': No such file or directory");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_for_good_is_never_tried_again) {
  Setup setup(false);
  SinkScript script;
  script.epochs = {{rows_of(setup.schema, {"+I 1 a", "+I 2 -"})}};
  setup.values.set("if-exists", "append");
  const auto error_with = [&](const std::string& table) {
    query(setup.dir / "out.db", "DROP TABLE IF EXISTS t; " + table);
    SinkRig rig = setup.rig();
    BOOST_TEST(!rig.live(script));
    return rig.error();
  };
  for (const auto& [table, says] :
       {std::pair{"CREATE TABLE t (n INTEGER, s TEXT NOT NULL)", "NOT NULL constraint failed"},
        {"CREATE TABLE t (n INTEGER CHECK (n < 2), s TEXT)", "CHECK constraint failed"}}) {
    const Status refused = error_with(table);
    BOOST_TEST((refused.code() == Code::kBadRecord), refused.what());
    BOOST_TEST(refused.what().find(says) != std::string::npos, refused.what());
    BOOST_TEST(refused.what().ends_with(R"(: {"n":2,"s":null})"), refused.what());
    BOOST_TEST(query(setup.dir / "out.db", "SELECT count(*) FROM t") == "0\n");
  }
  const Status typed = error_with("CREATE TABLE t (n INTEGER, s INTEGER PRIMARY KEY)");
  BOOST_TEST((typed.code() == Code::kBadRecord), typed.what());
  const Status trigger = error_with(
      "CREATE TABLE t (n INTEGER, s TEXT); CREATE TRIGGER x AFTER INSERT ON t BEGIN INSERT INTO nowhere VALUES (1); "
      "END");
  BOOST_TEST((trigger.code() == Code::kUsage), trigger.what());

  require_ok(system_files().write_file(setup.dir / "noise.db", std::string(9000, 'x')));
  setup.values.set("path", "noise.db");
  SinkRig noise = setup.rig();
  BOOST_TEST(!noise.live(script));
  BOOST_TEST((noise.error().code() == Code::kUsage), noise.error().what());
  BOOST_TEST(noise.error().what().find("is not a database; give another path") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_full_disk_loses_nothing) {
  Setup setup(false);
  SinkScript script;
  std::vector<std::string> many;
  for (int i = 0; i < 5000; ++i) many.push_back("+I " + std::to_string(i) + " some-text-that-fills-a-page");
  script.epochs = {{rows_of(setup.schema, {"+I 1 a"})}, {rows_of(setup.schema, many)}};
  std::signal(SIGXFSZ, SIG_IGN);
  rlim_t limit = 100'000;
  const auto make = [&](Context& context) -> Result<std::unique_ptr<Sink>> {
    auto sink = WriteSqlite::make(context);
    if (!sink.ok()) return sink;
    return std::unique_ptr<Sink>(std::make_unique<SmallDisk>(*std::move(sink), limit));
  };
  SinkRig rig(make, setup.values, setup.schema, setup.dir.path());
  BOOST_TEST(!rig.live(script));
  BOOST_TEST((rig.error().code() == Code::kSystem));
  BOOST_TEST(rig.error().what().starts_with("unable to write '"));
  BOOST_TEST(setup.rows() == "1|a\n");
  limit = RLIM_INFINITY;
  BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
  BOOST_TEST(query(setup.dir / "out.db", "SELECT count(*), count(DISTINCT n) FROM t") == "5001|5000\n");
}

BOOST_AUTO_TEST_CASE(every_type_has_its_text) {
  Setup setup(false);
  setup.schema = std::make_shared<const Schema>(
      *parse_schema("b boolean, d double, p decimal(10,2), t timestamp, day date, blob blob, j json"));
  BatchBuilder rows(setup.schema);
  rows.column(0).append<std::uint8_t>(1);
  rows.column(1).append(0.5);
  rows.column(2).append<Decimal>(1250);
  rows.column(3).append<std::int64_t>(1'500'000);
  rows.column(4).append<std::int32_t>(1);
  rows.column(5).append_bytes("\x01");
  rows.column(6).append_bytes("{\"a\":1}");
  rows.end_row();
  SinkScript script;
  script.epochs = {{rows.finish()}};
  BOOST_REQUIRE(setup.rig().live(script));
  BOOST_TEST(query(setup.dir / "out.db", "SELECT b, d, p, t, day, hex(blob), j, typeof(d) FROM t") ==
             "1|0.5|12.50|1970-01-01T00:00:01.5Z|1970-01-02|01|{\"a\":1}|real\n");
}

BOOST_AUTO_TEST_CASE(by_hand_rows_are_there_after_a_flush) {
  Setup setup(true);
  StateStore store({.track_changes = false});
  ManualClock clock;
  Context context{setup.values, setup.dir.path(), {setup.schema}, {}, store, clock, "", "write-sqlite", ""};
  auto sink = WriteSqlite::make(context);
  BOOST_REQUIRE(sink.ok());
  NoEmitter emitter;
  require_ok((*sink)->on_batch(0, rows_of(setup.schema, {"+I 1 a", "-U 1 a", "+U 1 b", "+I 2 c"}), emitter));
  require_ok((*sink)->flush());
  BOOST_TEST(setup.rows() == "1|b\n2|c\n");
  BOOST_TEST(query(setup.dir / "out.db", "SELECT name FROM sqlite_master WHERE name LIKE '\\_stream%' ESCAPE '\\'") ==
             "");
}

BOOST_AUTO_TEST_CASE(the_plan_names_the_database_and_may_be_kept) {
  Setup setup(false);
  const PlanAnswer answer = plan_write_sqlite({setup.values, {{"in", *setup.schema}}, "/srv", 1});
  BOOST_TEST(answer.cacheable);
  BOOST_TEST_REQUIRE(answer.writes.size() == 1u);
  BOOST_TEST(answer.writes[0].path == "/srv/out.db");
  BOOST_TEST(!answer.writes[0].folder);
}

BOOST_AUTO_TEST_CASE(the_plan_refuses_what_sqlite_would_mix_up_and_changes_without_a_key) {
  Setup setup(false);
  const auto first_error = [&](const Schema& schema) {
    const PlanAnswer answer = plan_write_sqlite({setup.values, {{"in", schema}}, "/", 1});
    return answer.errors.empty() ? "" : answer.errors[0].message;
  };
  BOOST_TEST(first_error(*parse_schema("a bigint, \"A\" bigint")) ==
             "columns differ from 'A' by case only, which SQLite ignores");
  Schema changes = *parse_schema("a bigint");
  changes.changelog = Changelog::kUpdates;
  BOOST_TEST(first_error(changes) == "the input is a stream of changes without a key");
  setup.values.set("key", std::vector<std::string>{"hots"});
  BOOST_TEST(first_error(*parse_schema("host varchar")) == "no column 'hots'");
}

BOOST_AUTO_TEST_SUITE_END()
