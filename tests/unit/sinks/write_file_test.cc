#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "stages/format/decoder.h"
#include "stages/format/encoder.h"
#include "stages/write-file/part_name.h"
#include "stages/write-file/settings.h"
#include "stages/write-file/write_file.h"
#include "tests/support/crashing_files.h"
#include "tests/support/sink_rig.h"

using namespace stream;

namespace {

// The nth operation that changes something fails; a write puts half of its bytes down first.
class FailingFiles final : public Files {
 public:
  explicit FailingFiles(std::size_t nth) : left_(nth) {}
  bool reached() const { return left_ == 0; }

  Status write_file(const std::string& path, std::string_view bytes) override {
    const bool failing = fails();
    Status written = real().write_file(path, failing ? bytes.substr(0, bytes.size() / 2) : bytes);
    return failing ? refused() : written;
  }
  Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes) override {
    const bool failing = fails();
    Status written = real().write_at(path, offset, failing ? bytes.substr(0, bytes.size() / 2) : bytes);
    return failing ? refused() : written;
  }
  Result<std::string> read_file(const std::string& path) override { return real().read_file(path); }
  Result<std::string> read_at(const std::string& path, std::uint64_t offset, std::size_t size) override {
    return fails() ? Result<std::string>(refused()) : real().read_at(path, offset, size);
  }
  Result<std::uint64_t> size(const std::string& path) override { return real().size(path); }
  Status sync_file(const std::string& path) override { return fails() ? refused() : real().sync_file(path); }
  Status sync_dir(const std::string& path) override { return fails() ? refused() : real().sync_dir(path); }
  Status rename(const std::string& from, const std::string& to) override {
    return fails() ? refused() : real().rename(from, to);
  }
  Status remove(const std::string& path) override { return fails() ? refused() : real().remove(path); }
  Status make_dir(const std::string& path) override { return fails() ? refused() : real().make_dir(path); }
  Status truncate(const std::string& path, std::uint64_t size) override {
    return fails() ? refused() : real().truncate(path, size);
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return real().list(path); }

 private:
  static Files& real() { return system_files(); }
  static Status refused() { return {Code::kSystem, "the disk is gone"}; }
  bool fails() { return left_ == 0 || --left_ == 0; }  // and everything behind it
  std::size_t left_;
};

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The records of a file of Avro as JSON, a line each; of other files what is in them.
std::string as_lines(std::string bytes) {
  if (!bytes.starts_with("Obj")) return bytes;
  const auto schema = std::make_shared<const Schema>(*parse_schema("n bigint, s varchar"));
  FormatOptions format;
  format.format = Format::kAvro;
  auto decoder = *make_decoder({format, schema, schema, {}});
  BatchBuilder batch(schema);
  const auto used = decoder->decode(bytes, true, batch);
  if (!used.ok()) return used.status().what();
  ByteBuilder out;
  make_encoder({}, schema)->encode(batch.finish(), out);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

// Lines of all visible files, each behind its folder, in order of folder and line; hidden files too.
std::string seen(const std::string& root) {
  std::multiset<std::string> lines;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string folder = std::filesystem::relative(entry.path().parent_path(), root);
    const std::string name = entry.path().filename();
    if (name.starts_with('.')) {
      lines.insert(folder + ": hidden file " + name + "\n");
      continue;
    }
    if (name == "_SUCCESS") lines.insert(folder + ": complete\n");
    std::istringstream in(as_lines(content(entry.path())));
    for (std::string line; std::getline(in, line);) lines.insert(folder + ": " + line + "\n");
  }
  std::string all;
  for (const std::string& line : lines) all += line;
  return all;
}

struct Setup {
  explicit Setup(const std::string& path, Changelog changelog = Changelog::kAppend) {
    const bool marked = path.starts_with("marked");
    Schema with = *parse_schema(marked ? "n timestamp, s varchar" : "n bigint, s varchar");
    with.changelog = changelog;
    if (marked) {
      with.time = 0;
      values.set("success-after", "1ms");
    }
    schema = std::make_shared<const Schema>(with);
    std::filesystem::create_directory(dir / "data");
    values.set("path", "data/" + path);
    values.set("roll-size", "40");
    values.set("roll-every", "1h");
    if (path.starts_with("avro")) values.set("format", std::string("avro"));
    if (path.ends_with("by/")) values.set("by", std::vector<SelectItem>{{"letter", "s"}});
  }
  SinkRig rig(Files& files = system_files()) {
    return {[&files](Context& context) { return make_write_file(context, files); }, values, schema, dir.path()};
  }
  std::string result() const { return seen(dir / "data"); }

  TempDir dir;
  Values values;
  SchemaPtr schema;
};

SinkScript script_of(const SchemaPtr& schema) {
  SinkScript script;
  script.epochs = {{rows_of(schema, {"+I 1 a", "+I 2 b"})},
                   {rows_of(schema, {"+I 3 a"}), rows_of(schema, {"+I 4 a", "+I 5 c/d"})},
                   {},
                   {rows_of(schema, {"+I 6 -", "+I 7 a"})},
                   {rows_of(schema, {"+I 8 b", "+I 9 a"})}};
  script.aborted = {1};
  script.watermarks = {1000, 1002, 1005, 1006, 1006};
  return script;
}

const std::vector<std::string> kPaths = {"out.ndjson", "out.csv",  "out.avro",  "parts/",
                                         "by/",        "avro-by/", "marked-by/"};

std::string undisturbed(const std::string& path) {
  Setup setup(path);
  SinkRig rig = setup.rig();
  BOOST_REQUIRE_MESSAGE(rig.live(script_of(setup.schema)), rig.error().what());
  return setup.result();
}

// What nobody sees may be left.
std::string without_hidden(const std::string& seen) {
  std::string out;
  std::istringstream in(seen);
  for (std::string line; std::getline(in, line);) {
    if (line.find(": hidden file ") == std::string::npos) out += line + "\n";
  }
  return out;
}

// A marker stands behind all rows that came in time, whatever has died.
void check_markers(const std::string& seen) {
  const auto has = [&](const std::string& line) { return seen.find(line) != std::string::npos; };
  const auto row = [](const std::string& folder, const std::string& micros, const std::string& value) {
    return folder + ": {\"n\":\"1970-01-01T00:00:00." + micros + "Z\",\"s\":\"" + value + "\"}\n";
  };
  if (has("letter=a: complete")) {
    for (const char* micros : {"000001", "000003", "000004"}) BOOST_TEST(has(row("letter=a", micros, "a")), seen);
  }
  if (has("letter=b: complete")) BOOST_TEST(has(row("letter=b", "000002", "b")), seen);
  if (has("letter=c%2Fd: complete")) BOOST_TEST(has(row("letter=c%2Fd", "000005", "c/d")), seen);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(write_file)

BOOST_AUTO_TEST_CASE(an_undisturbed_run_leaves_what_was_given) {
  BOOST_TEST(undisturbed("out.csv") ==
             ".: 1,a\n.: 2,b\n.: 3,a\n.: 4,a\n.: 5,c/d\n.: 6,\n.: 7,a\n.: 8,b\n.: 9,a\n.: n,s\n");
  BOOST_TEST(
      undisturbed("by/") ==
      "by/letter=__null__: {\"n\":6,\"s\":null}\n"
      "by/letter=a: {\"n\":1,\"s\":\"a\"}\nby/letter=a: {\"n\":3,\"s\":\"a\"}\nby/letter=a: {\"n\":4,\"s\":\"a\"}\n"
      "by/letter=a: {\"n\":7,\"s\":\"a\"}\nby/letter=a: {\"n\":9,\"s\":\"a\"}\n"
      "by/letter=b: {\"n\":2,\"s\":\"b\"}\nby/letter=b: {\"n\":8,\"s\":\"b\"}\n"
      "by/letter=c%2Fd: {\"n\":5,\"s\":\"c/d\"}\n");
}

BOOST_AUTO_TEST_CASE(avro_holds_the_same_rows) {
  BOOST_TEST(undisturbed("out.avro") == undisturbed("out.ndjson"));
  std::string by = undisturbed("by/");
  for (std::size_t at = 0; (at = by.find("by/", at)) != std::string::npos; at += 8) by.insert(at, "avro-");
  BOOST_TEST(undisturbed("avro-by/") == by);
}

BOOST_AUTO_TEST_CASE(rows_are_there_once_wherever_the_process_dies) {
  for (const std::string& path : kPaths) {
    const std::string expected = undisturbed(path);
    bool survived = false;
    for (std::size_t first = 0; !survived; ++first) {
      for (const std::size_t second : {std::size_t{0}, std::size_t{2}, std::size_t{5}, SIZE_MAX}) {
        BOOST_TEST_CONTEXT(path << ": dies behind step " << first << ", then " << second) {
          Setup setup(path);
          SinkRig rig = setup.rig();
          const SinkScript script = script_of(setup.schema);
          survived = rig.live(script, first);
          check_markers(setup.result());
          if (!survived && second != SIZE_MAX) rig.live(script, second);
          if (!survived) BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
          BOOST_REQUIRE_EQUAL(setup.result(), expected);
        }
      }
    }
  }
}

// On another host the process of an attempt that was given up stood still; it wakes, has rows to write, cuts for a
// checkpoint that nobody waits for, and commits what it was told to.
BOOST_AUTO_TEST_CASE(what_an_earlier_attempt_writes_when_it_wakes_does_not_show) {
  for (const std::string& path : kPaths) {
    if (path.starts_with("marked")) continue;
    const std::string expected = undisturbed(path);
    bool survived = false;
    for (std::size_t first = 0; !survived; ++first) {
      for (const std::size_t second : {std::size_t{2}, SIZE_MAX}) {
        BOOST_TEST_CONTEXT(path << ": stands still behind step " << first << ", then " << second) {
          Setup setup(path);
          SinkRig rig = setup.rig();
          const Batch noise = rows_of(setup.schema, {"+I 98 a", "+I 99 b"});
          std::uint64_t epoch = 1000;
          rig.zombie = [&](Sink& sink, Epoch complete) {
            (void)sink.on_batch(0, noise, rig.emitter);
            (void)sink.prepare(Epoch(++epoch));
            if (complete != Epoch(0)) (void)sink.commit(complete);
          };
          const SinkScript script = script_of(setup.schema);
          survived = rig.live(script, first);
          if (!survived && second != SIZE_MAX) rig.live(script, second);
          if (!survived) BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
          BOOST_REQUIRE_EQUAL(without_hidden(setup.result()), expected);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_are_there_once_whichever_operation_fails) {
  for (const std::string& path : kPaths) {
    const std::string expected = undisturbed(path);
    bool survived = false;
    for (std::size_t nth = 1; !survived; ++nth) {
      BOOST_TEST_CONTEXT(path << ": operation " << nth << " fails") {
        Setup setup(path);
        Files* files = nullptr;
        SinkRig rig([&files](Context& context) { return make_write_file(context, *files); }, setup.values, setup.schema,
                    setup.dir.path());
        const SinkScript script = script_of(setup.schema);
        FailingFiles failing(nth);
        files = &failing;
        survived = rig.live(script);
        check_markers(setup.result());
        BOOST_REQUIRE(survived != failing.reached());
        FailingFiles again(3);  // the way back is disturbed, too
        files = &again;
        if (!survived) rig.live(script);
        files = &system_files();
        if (!survived) BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
        BOOST_REQUIRE_EQUAL(setup.result(), expected);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_folder_is_marked_when_its_time_has_passed) {
  std::vector<std::string> marked;  // in the order in which they come
  bool ended = false;
  for (std::size_t steps = 0; !ended; ++steps) {
    Setup setup("marked-by/");
    SinkRig rig = setup.rig();
    SinkScript script = script_of(setup.schema);
    script.aborted = {};
    ended = rig.live(script, steps);
    const std::string seen = setup.result();
    for (const char* letter : {"a", "b", "c%2Fd", "__null__"}) {
      const bool there = seen.find("letter=" + std::string(letter) + ": complete") != std::string::npos;
      if (there && std::ranges::find(marked, letter) == marked.end()) marked.emplace_back(letter);
    }
  }
  BOOST_TEST(marked == (std::vector<std::string>{"b", "a", "c%2Fd", "__null__"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_marker_is_taken_back_with_the_checkpoint_that_made_it) {
  Setup setup("marked-by/");
  SinkRig rig = setup.rig();
  const SinkScript script = script_of(setup.schema);
  BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
  rig.lose_checkpoints_after(1);
  BOOST_REQUIRE(!rig.live(script, 2, true));  // dies when it has been restored
  BOOST_TEST(setup.result().find("complete") == std::string::npos, setup.result());
  BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
  BOOST_TEST(setup.result() == undisturbed("marked-by/"));
}

// What was not synced is gone, while the checkpoints, which were, say that it is there.
BOOST_AUTO_TEST_CASE(rows_are_there_once_wherever_the_power_is_cut) {
  for (const std::string& path : kPaths) {
    const std::string expected = undisturbed(path);
    for (const auto names : {CrashingFiles::Names::kLost, CrashingFiles::Names::kKept}) {
      bool met = true;
      for (int nth = 1; met; ++nth) {
        BOOST_TEST_CONTEXT(path << ": dies at operation " << nth) {
          Setup setup(path);
          std::filesystem::create_directory(setup.dir / "shadow");
          CrashingFiles crashing(setup.dir / "data", setup.dir / "shadow", nth);
          Files* files = &crashing;
          SinkRig rig([&files](Context& context) { return make_write_file(context, *files); }, setup.values,
                      setup.schema, setup.dir.path());
          const SinkScript script = script_of(setup.schema);
          met = !rig.live(script);
          BOOST_REQUIRE(met == crashing.met());
          if (met) crashing.crash(names);
          files = &system_files();
          if (met) BOOST_REQUIRE_MESSAGE(rig.live(script), rig.error().what());
          BOOST_REQUIRE_EQUAL(setup.result(), expected);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_of_lost_checkpoints_are_taken_back) {
  for (const std::string& path : kPaths) {
    const std::string expected = undisturbed(path);
    for (std::size_t kept = 0; kept <= 4; ++kept) {
      for (const std::size_t steps : {std::size_t{20}, std::size_t{24}, std::size_t{27}}) {
        BOOST_TEST_CONTEXT(path << ": dies behind step " << steps << ", " << kept << " checkpoints are left") {
          Setup setup(path);
          SinkRig rig = setup.rig();
          const SinkScript script = script_of(setup.schema);
          BOOST_REQUIRE(!rig.live(script, steps));
          rig.lose_checkpoints_after(kept);
          BOOST_REQUIRE_MESSAGE(rig.live(script, SIZE_MAX, true), rig.error().what());
          BOOST_REQUIRE_EQUAL(setup.result(), expected);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(one_file_shows_nothing_of_a_lost_checkpoint_even_before_its_rows_come_again) {
  Setup setup("out.ndjson");
  SinkRig rig = setup.rig();
  const SinkScript script = script_of(setup.schema);
  BOOST_REQUIRE(!rig.live(script, 27));
  rig.lose_checkpoints_after(1);
  BOOST_REQUIRE(!rig.live(script, 1, true));  // rewound, restored
  BOOST_TEST(content(setup.dir / "data/out.ndjson") == "{\"n\":1,\"s\":\"a\"}\n{\"n\":2,\"s\":\"b\"}\n");
}

BOOST_AUTO_TEST_CASE(one_file_shows_nothing_before_a_commit) {
  Setup setup("out.ndjson");
  SinkScript script;
  script.epochs = {{rows_of(setup.schema, {"+I 1 a"})}};
  SinkRig rig = setup.rig();
  BOOST_TEST(!rig.live(script, 4));  // restored, batch, prepared, captured, complete
  BOOST_TEST(!std::filesystem::exists(setup.dir / "data/out.ndjson"));
  BOOST_TEST(!rig.live(script, 2));  // restored, ended, prepared
  BOOST_TEST(!std::filesystem::exists(setup.dir / "data/out.ndjson"));
  BOOST_REQUIRE(rig.live(script));
  BOOST_TEST(content(setup.dir / "data/out.ndjson") == "{\"n\":1,\"s\":\"a\"}\n");
}

BOOST_AUTO_TEST_CASE(what_exists_is_refused_appended_to_or_replaced_by_a_fresh_run) {
  for (const std::string& path : {std::string("out.ndjson"), std::string("parts/")}) {
    Setup setup(path);
    SinkScript script;
    script.epochs = {{rows_of(setup.schema, {"+I 1 a"})}};
    const std::string line = std::string(path == "parts/" ? "parts" : ".") + ": {\"n\":1,\"s\":\"a\"}\n";
    const auto run = [&](char digit) {
      SinkRig rig = setup.rig();
      rig.run = std::string(32, digit);
      rig.live(script);
      return rig.error();
    };
    require_ok(run('a'));
    const Status refused = run('b');
    BOOST_TEST((refused.code() == Code::kUsage));
    const std::string what = path == "parts/" ? "data/parts' has parts of an earlier run" : "data/out.ndjson' exists";
    BOOST_TEST(refused.what() == "'" + (setup.dir / what) + "; give --if-exists append or replace");
    setup.values.set("if-exists", "append");
    require_ok(run('c'));
    BOOST_TEST(setup.result() == line + line);
    setup.values.set("if-exists", "replace");
    require_ok(run('d'));
    BOOST_TEST(setup.result() == line);
  }
}

BOOST_AUTO_TEST_CASE(rows_are_not_appended_below_the_names_of_other_columns) {
  Setup setup("out.csv");
  setup.values.set("if-exists", "append");
  SinkScript script;
  script.epochs = {{rows_of(setup.schema, {"+I 1 a"})}};
  const auto run_on = [&](const std::string& there) {
    std::ofstream(setup.dir / "data/out.csv") << there;
    SinkRig rig = setup.rig();
    rig.run = std::string(32, static_cast<char>('a' + there.size()));
    rig.live(script);
    return rig.error();
  };
  for (const std::string there : {"", "n,s\n", "n,s\n7,x\n", "\"n\",\"s\"\r\n"}) {
    require_ok(run_on(there));
    BOOST_TEST(content(setup.dir / "data/out.csv") == (there.empty() ? "n,s\n" : there) + "1,a\n");
  }
  const Status refused = run_on("s,n\n");
  BOOST_TEST((refused.code() == Code::kUsage));
  BOOST_TEST(refused.what() ==
             "'" + (setup.dir / "data/out.csv") +
                 "' has the columns s,n, not n,s; give another path, --if-exists replace or --header none");
  setup.values.set("header", "none");
  require_ok(run_on("s,n\n"));
}

BOOST_AUTO_TEST_CASE(a_run_that_appends_can_start_again_from_nothing) {
  Setup setup("out.ndjson");
  std::ofstream(setup.dir / "data/out.ndjson") << "mine\n";
  setup.values.set("if-exists", "append");
  SinkRig rig = setup.rig();
  const SinkScript script = script_of(setup.schema);
  BOOST_REQUIRE(!rig.live(script, 20));
  rig.lose_checkpoints_after(0);
  BOOST_TEST(!rig.live(script, 1, true));
  BOOST_TEST(content(setup.dir / "data/out.ndjson") == "mine\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_was_changed_by_others_is_an_error) {
  Setup setup("out.ndjson");
  SinkRig rig = setup.rig();
  const SinkScript script = script_of(setup.schema);
  BOOST_REQUIRE(!rig.live(script, 6));
  std::filesystem::resize_file(setup.dir / "data/out.ndjson", 3);
  BOOST_TEST(!rig.live(script));
  BOOST_TEST(rig.error().what() == "'" + (setup.dir / "data/out.ndjson") +
                                       "' has 3 bytes where 32 were committed: something else has changed it; bring it "
                                       "back, or start anew with --fresh");
  BOOST_TEST((rig.error().code() == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(a_part_that_was_changed_by_others_is_an_error) {
  Setup setup("parts/");
  SinkRig rig = setup.rig();
  const SinkScript script = script_of(setup.schema);
  BOOST_REQUIRE(!rig.live(script, 6));
  for (const auto& entry : std::filesystem::directory_iterator(setup.dir / "data/parts")) {
    if (entry.path().filename().string().starts_with('.')) std::filesystem::resize_file(entry.path(), 3);
  }
  BOOST_TEST(!rig.live(script));
  BOOST_TEST((rig.error().code() == Code::kCorrupt));
  BOOST_TEST(rig.error().what().find("has 3 bytes where ") != std::string::npos, rig.error().what());
}

BOOST_AUTO_TEST_CASE(changes_are_marked) {
  for (const auto& [path, text] :
       {std::pair<std::string, std::string>{"out.ndjson", "{\"_op\":\"-D\",\"n\":1,\"s\":\"a\"}\n"},
        {"out.csv", "_op,n,s\n-D,1,a\n"}}) {
    Setup setup(path, Changelog::kUpdates);
    SinkScript script;
    script.epochs = {{rows_of(setup.schema, {"-D 1 a"})}};
    SinkRig rig = setup.rig();
    BOOST_REQUIRE(rig.live(script));
    BOOST_TEST(content(setup.dir / ("data/" + path)) == text);
  }
}

BOOST_AUTO_TEST_CASE(names_of_parts_are_read_as_they_are_written) {
  const PartName name{"a=1/", 3, "0123abcd", 17, "ndjson"};
  BOOST_TEST(name.key() == "a=1/part-3-0123abcd-17.ndjson");
  BOOST_TEST(name.hidden() == "a=1/.part-3-0123abcd-17.ndjson.inprogress");
  BOOST_TEST(name.published(Epoch(12)) == "a=1/part-3-e12-0123abcd-17.ndjson");
  BOOST_TEST((*parse_key(name.key()) == name));
  BOOST_TEST((parse_part("a=1/", "part-3-e12-0123abcd-17.ndjson")->epoch == Epoch(12)));
  BOOST_TEST((parse_part("a=1/", ".part-3-0123abcd-17.ndjson.inprogress")->name == name));
  for (const char* other : {"part-3.ndjson", "notes.txt", ".part-3-0123abcd-17.ndjson", "part-x-e1-0123abcd-1.csv",
                            "part-1-e-0123abcd-1.csv"}) {
    BOOST_TEST(!parse_part("", other).has_value());
  }
}

BOOST_AUTO_TEST_CASE(the_plan_says_when_rows_are_visible_and_what_does_not_fit) {
  Setup file("out.ndjson");
  PlanAnswer answer = plan_write_file({file.values, {{"in", *file.schema}}, "/", 1});
  BOOST_TEST(answer.errors.empty());
  BOOST_TEST(answer.visible == "at each checkpoint");
  BOOST_TEST(answer.parallelism_max == 1u);
  file.values.set("by", std::vector<SelectItem>{{"", "s"}});
  answer = plan_write_file({file.values, {{"in", *file.schema}}, "/", 1});
  BOOST_REQUIRE_EQUAL(answer.errors.size(), 1u);
  BOOST_TEST(answer.errors[0].message == "'data/out.ndjson' is one file; rows are spread over folders");
  Setup parts("parts/");
  answer = plan_write_file({parts.values, {{"in", *parts.schema}}, "/", 1});
  BOOST_TEST(answer.visible == "when a part is rolled, at the checkpoint behind it");
  BOOST_TEST(answer.parallelism_max == 0u);
}

BOOST_AUTO_TEST_CASE(the_plan_names_the_file_or_folder_and_may_be_kept) {
  for (const char* path : {"out.ndjson", "parts/"}) {
    Setup setup(path);
    const PlanAnswer answer = plan_write_file({setup.values, {{"in", *setup.schema}}, "/srv", 1});
    BOOST_TEST(answer.cacheable);
    BOOST_TEST_REQUIRE(answer.writes.size() == 1u);
    BOOST_TEST(answer.writes[0].option == "path");
    BOOST_TEST(answer.writes[0].path.starts_with("/srv/"));
    BOOST_TEST(answer.writes[0].path.ends_with(answer.writes[0].folder ? "/parts" : "/out.ndjson"));
    BOOST_TEST(answer.writes[0].folder == (std::string_view(path) == "parts/"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
