// What write-file puts into object storage, over storage in memory: each row once, whatever happens when.
#include "stages/write-file/object_parts.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <sstream>

#include "stages/format/decoder.h"
#include "tests/support/memory_store.h"
#include "tests/support/sink_rig.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(object_parts)

namespace {

const auto kSchema = std::make_shared<const Schema>(*parse_schema("n bigint, s varchar"));

struct Setup {
  explicit Setup(std::string kind) : format(std::move(kind)) {
    values.set("path", std::string("s3://bucket/out/"));
    values.set("format", format);
    values.set("roll-size", std::string("60"));
    values.set("roll-every", std::string("1h"));
    values.set("by", std::vector<SelectItem>{{"letter", "s"}});
  }

  SinkRig rig() {
    return {[this](Context& context) -> Result<std::unique_ptr<Sink>> {
              std::vector<PlanError> errors;
              FileSettings settings = file_settings(context.options, "", *kSchema, errors);
              BOOST_REQUIRE(errors.empty());
              StoragePlace place = *parse_storage("s3://bucket/out");
              place.part_bytes = 20;  // a row or two
              return std::unique_ptr<Sink>(std::make_unique<ObjectParts>(context, std::move(settings), place,
                                                                         std::make_unique<LentStore>(store)));
            },
            values, kSchema, "/"};
  }

  std::string result() const {
    std::multiset<std::string> lines;
    for (const auto& [key, object] : store.objects) {
      const std::string folder = key.substr(0, key.rfind('/'));
      std::istringstream in(as_lines(object.bytes));
      for (std::string line; std::getline(in, line);) lines.insert(folder + ": " + line + "\n");
    }
    std::string all;
    for (const std::string& line : lines) all += line;
    return all;
  }

  // Without names of columns and frames: how rows are spread over objects is up to what happened.
  std::string as_lines(const std::string& bytes) const {
    FormatOptions options;
    options.format = format == "csv" ? Format::kCsv : format == "avro" ? Format::kAvro : Format::kNdjson;
    auto decoder = *make_decoder({options, kSchema, kSchema, {}});
    BatchBuilder batch(kSchema);
    const auto used = decoder->decode(bytes, true, batch);
    if (!used.ok()) return used.status().what();
    ByteBuilder out;
    make_encoder({}, kSchema)->encode(batch.finish(), out);
    return {reinterpret_cast<const char*>(out.data()), out.size()};
  }

  std::string format;
  Values values;
  MemoryStore store;
};

SinkScript script() {
  SinkScript script;
  script.epochs = {{rows_of(kSchema, {"+I 1 a", "+I 2 b"})},
                   {rows_of(kSchema, {"+I 3 a"}), rows_of(kSchema, {"+I 4 a", "+I 5 c/d"})},
                   {},
                   {rows_of(kSchema, {"+I 6 -", "+I 7 a"})},
                   {rows_of(kSchema, {"+I 8 b", "+I 9 a"})}};
  script.aborted = {1};
  return script;
}

constexpr const char* kFormats[] = {"ndjson", "csv", "avro"};

std::string undisturbed(const std::string& format) {
  Setup setup(format);
  SinkRig rig = setup.rig();
  BOOST_REQUIRE_MESSAGE(rig.live(script()), rig.error().what());
  BOOST_TEST(setup.store.uploads.empty());
  return setup.result();
}

}  // namespace

BOOST_AUTO_TEST_CASE(part_numbers_tell_attempts_apart) {
  for (std::uint32_t last = 0; last < 200; ++last) {
    std::set<std::uint32_t> numbers;
    for (std::uint32_t attempt = 1; attempt <= 16; ++attempt) {
      const std::uint32_t next = next_part_number(last, attempt);
      BOOST_TEST_REQUIRE(next > last);
      BOOST_TEST_REQUIRE(next <= last + 16);
      BOOST_TEST_REQUIRE(numbers.insert(next).second);
    }
  }
}

BOOST_AUTO_TEST_CASE(parts_as_text) {
  const std::vector<UploadedPart> parts = {{1, "\"a\""}, {17, "b:c"}};
  BOOST_TEST((*parts_of_text(parts_text(parts)) == parts));
  for (const char* wrong : {"x", "0:a\n", "10001:a\n", "1\n", "\n"}) {
    BOOST_TEST((parts_of_text(wrong).status().code() == Code::kCorrupt), wrong);
  }
}

BOOST_AUTO_TEST_CASE(rows_are_there) {
  const std::string seen = undisturbed("ndjson");
  for (int n = 1; n <= 9; ++n) BOOST_TEST(seen.find("\"n\":" + std::to_string(n) + ",") != std::string::npos);
  BOOST_TEST(seen.find("out/letter=c%2Fd: ") != std::string::npos);
  BOOST_TEST(undisturbed("csv") == seen);
  BOOST_TEST(undisturbed("avro") == seen);
}

BOOST_AUTO_TEST_CASE(death_at_every_step) {
  for (const char* format : kFormats) {
    const std::string wanted = undisturbed(format);
    for (std::size_t step = 0;; ++step) {
      Setup setup(format);
      SinkRig rig = setup.rig();
      if (rig.live(script(), step)) break;
      for (std::size_t second : {3U, 9U}) {
        if (!rig.live(script(), second)) BOOST_REQUIRE_MESSAGE(rig.error().ok(), rig.error().what());
      }
      BOOST_REQUIRE_MESSAGE(rig.live(script()), rig.error().what());
      BOOST_TEST_REQUIRE(setup.result() == wanted, format << ", step " << step);
      BOOST_TEST_REQUIRE(setup.store.uploads.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(every_request_goes_wrong) {
  for (const char* format : kFormats) {
    const std::string wanted = undisturbed(format);
    for (const Mishap mishap : {Mishap::kLostRequest, Mishap::kLostAnswer}) {
      for (std::size_t number = 1; number < 80; ++number) {
        Setup setup(format);
        SinkRig rig = setup.rig();
        setup.store.go_wrong(number, mishap);
        for (int lives = 0; lives < 4 && !rig.live(script()); ++lives)
          BOOST_REQUIRE_MESSAGE(rig.error().code() == Code::kSystem, rig.error().what());
        BOOST_TEST_REQUIRE(setup.result() == wanted, format << ", request " << number);
        // One that was begun without an answer is nobody's; the next life has aborted it.
        BOOST_TEST_REQUIRE(setup.store.uploads.empty());
      }
    }
  }
}

// Also objects that were growing at the checkpoint that is gone back to, and have been completed since.
BOOST_AUTO_TEST_CASE(what_came_later_is_taken_back) {
  for (const char* format : kFormats) {
    const std::string wanted = undisturbed(format);
    for (std::size_t kept = 1; kept <= 5; ++kept) {
      for (const std::size_t dies : {std::size_t{0}, std::size_t{2}, std::size_t{7}, SIZE_MAX}) {
        Setup setup(format);
        SinkRig rig = setup.rig();
        BOOST_REQUIRE_MESSAGE(rig.live(script()), rig.error().what());
        rig.lose_checkpoints_after(kept);
        if (dies != SIZE_MAX) (void)rig.live(script(), dies, true);
        if (rig.checkpoints() < kept) continue;
        BOOST_REQUIRE_MESSAGE(rig.live(script(), SIZE_MAX, true), rig.error().what());
        BOOST_TEST_REQUIRE(setup.result() == wanted, format << ", " << kept << " kept, dies at " << dies);
        BOOST_TEST_REQUIRE(setup.store.uploads.empty());
      }
    }
  }
}

// Who stood still wakes and writes on in what it had begun.
BOOST_AUTO_TEST_CASE(who_wakes_after_its_time_adds_nothing) {
  for (const char* format : kFormats) {
    const std::string wanted = undisturbed(format);
    for (std::size_t turn = 0;; ++turn) {
      const std::size_t step = turn / 4;
      Setup setup(format);
      SinkRig rig = setup.rig();
      std::size_t asleep = turn % 4 * 2;  // also when its successor has finished what both had begun
      rig.zombie = [&](Sink& sink, Epoch complete) {
        if (asleep > 0 && asleep-- > 0) return;
        (void)sink.on_batch(0, rows_of(kSchema, {"+I 77 a", "+I 78 b", "+I 79 a"}), rig.emitter);
        (void)sink.commit(complete);
      };
      if (rig.live(script(), step)) break;
      BOOST_REQUIRE_MESSAGE(rig.live(script()), rig.error().what());
      BOOST_TEST_REQUIRE(setup.result() == wanted, format << ", step " << step);
    }
  }
}

BOOST_AUTO_TEST_CASE(parts_of_an_earlier_run) {
  for (const char* what : {"fail", "replace", "append"}) {
    Setup setup("ndjson");
    SinkRig first = setup.rig();
    BOOST_REQUIRE(first.live(script()));
    const std::string once = setup.result();
    setup.values.set("if-exists", std::string(what));
    SinkRig second = setup.rig();
    second.run = "fedcba9876543210fedcba9876543210";
    const bool ended = second.live(script());
    BOOST_TEST(ended == (std::string(what) != "fail"));
    if (!ended) BOOST_TEST((second.error().code() == Code::kUsage));
    BOOST_TEST((setup.result().size() == once.size() * (std::string(what) == "append" ? 2 : 1)));
  }
}

// Where rows are lost that a checkpoint has, the job does not go on as if nothing were.
BOOST_AUTO_TEST_CASE(who_only_says_that_an_object_is_there_is_not_believed) {
  Setup setup("ndjson");
  setup.store.claims = true;
  SinkRig rig = setup.rig();
  BOOST_TEST(!rig.live(script()));
  BOOST_TEST((rig.error().code() == Code::kSystem));
  BOOST_TEST(rig.error().what().find("is complete, but it is not there") != std::string::npos);
  setup.store.claims = false;
  BOOST_REQUIRE_MESSAGE(rig.live(script()), rig.error().what());
  BOOST_TEST(setup.result() == undisturbed("ndjson"));
}

BOOST_AUTO_TEST_CASE(an_upload_that_somebody_aborted_is_said) {
  int said = 0;
  for (std::size_t step = 0;; ++step) {
    Setup setup("ndjson");
    SinkRig rig = setup.rig();
    if (rig.live(script(), step)) break;
    setup.store.uploads.clear();
    if (rig.live(script())) continue;
    BOOST_TEST((rig.error().code() == Code::kCorrupt));
    BOOST_TEST(rig.error().what().find("--fresh") != std::string::npos);
    ++said;
  }
  BOOST_TEST(said > 0);
}

BOOST_AUTO_TEST_SUITE_END()
