#include "snapshot/packed_file.h"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <random>

#include "tests/support/snapshot_fixture.h"

using namespace stream;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kRows = 20'000;
constexpr std::uint32_t kGroups = 32;

TableSpec texts_spec() {
  TableSpec spec;
  spec.name = "texts";
  spec.key = {{"n", kBigint}};
  spec.value = {{"text", kVarchar}};
  return spec;
}

Batch some_rows() {
  StateTable table(texts_spec(), false);
  std::mt19937_64 random(1);
  for (std::int64_t n = 0; n < kRows; ++n) {
    std::string text(400, '\0');
    for (char& byte : text) byte = static_cast<char>('a' + random() % 26);
    table.set_bytes(table.upsert({n}).first, 1, text);
  }
  std::vector<Row> rows(kRows);
  TableCursor cursor;
  BOOST_REQUIRE(table.scan(cursor, rows) == rows.size());
  Batch batch{nullptr, rows.size(), {}, {}};
  for (std::size_t i = 0; i < 2; ++i) batch.columns.push_back(table.gather(rows, i));
  return batch;
}

// With a segment for each key group, as a base of much state has.
void write_file(const std::string& path) {
  SnapshotIdentity identity;
  identity.stage = "totals";
  identity.key_groups = kGroups;
  identity.epoch = Epoch(1);
  identity.base = true;
  PackOptions options;
  options.large = true;
  auto writer = take(PackedFileWriter::create(path, identity, options));
  require_ok(writer->start_table(texts_spec()));
  require_ok(writer->add_rows(some_rows()));
  require_ok(writer->finish());
}

std::uint64_t bytes_read_so_far() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  io >> name >> value;
  BOOST_REQUIRE(name == "rchar:");
  return value;
}

class Counting final : public ChangeVisitor {
 public:
  Status clear() override { return {}; }
  Status drop_before(std::int64_t) override { return {}; }
  Status tombstones(const Batch&, bool) override { return {}; }
  Status rows(const Batch& rows, bool) override {
    seen += static_cast<std::int64_t>(rows.rows);
    return {};
  }
  std::int64_t seen = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(packed_file)

BOOST_AUTO_TEST_CASE(a_file_read_group_by_group_is_read_about_once) {
  const TempDir dir;
  const std::string path = dir / "base.sqlite";
  write_file(path);
  const auto file = take(SnapshotFile::open(path));
  const std::uint64_t before = bytes_read_so_far();
  Counting counting;
  for (std::uint32_t group = 0; group < kGroups; ++group) {
    require_ok(file->visit(0, {group, group + 1}, counting));
    (void)take(file->weights(0));
    BOOST_TEST(!take(file->has_marks(0)));
  }
  BOOST_TEST(counting.seen >= kRows);  // segments with few rows have several groups
  BOOST_TEST(bytes_read_so_far() - before < 2 * fs::file_size(path));
}

BOOST_AUTO_TEST_SUITE_END()
