#include <zlib.h>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include "stages/format/encoder.h"
#include "stages/read-file/bounded_files.h"
#include "stages/read-file/followed_files.h"
#include "stages/read-file/sample.h"
#include "stages/read-file/splits.h"

using namespace stream;

namespace {

namespace fs = std::filesystem;

// A folder that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "stream-read-file-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

  void write(const std::string& name, std::string_view text) const { put(name, text, std::ios::trunc); }
  void append(const std::string& name, std::string_view text) const { put(name, text, std::ios::app); }
  void rename(const std::string& from, const std::string& to) const { fs::rename(*this / from, *this / to); }
  void remove(const std::string& name) const { fs::remove(*this / name); }

 private:
  void put(const std::string& name, std::string_view text, std::ios::openmode mode) const {
    std::ofstream file(*this / name, std::ios::binary | mode);
    file << text;
  }
  std::string path_;
};

SchemaPtr schema() { return std::make_shared<const Schema>(*parse_schema("n bigint")); }

std::string lines(int begin, int end) {
  std::string text;
  for (int i = begin; i < end; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
  return text;
}

std::vector<int> numbers(int begin, int end) {
  std::vector<int> all;
  for (int i = begin; i < end; ++i) all.push_back(i);
  return all;
}

void take(BatchBuilder& batch, std::vector<int>& out) {
  const Batch rows = batch.finish();
  for (std::size_t i = 0; i < rows.rows; ++i) out.push_back(static_cast<int>(rows.columns[0].value<std::int64_t>(i)));
}

MakeDecoder maker(FormatOptions options = {}) {
  return [options](const std::string&, InputFile& file, std::uint64_t offset) -> Result<std::unique_ptr<Decoder>> {
    STREAM_ASSIGN(auto decoder, make_decoder({options, schema(), schema(), [](BadInput) { return Status(); }}));
    STREAM_ASSIGN(const std::string head, read_beginning(file, 1000));
    STREAM_TRY(decoder->start_at(offset, head));
    return decoder;
  };
}

std::string gzipped(std::string_view text) {
  std::string out(compressBound(static_cast<uLong>(text.size())) + 64, '\0');
  z_stream state{};
  deflateInit2(&state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  deflateEnd(&state);
  return out;
}

// Numbers in a file of Avro, some to a block.
std::string avro_file(int begin, int end, int rows_a_block) {
  EncoderOptions options;
  options.format = OutputFormat::kAvro;
  options.avro_codec = AvroCodec::kNull;
  const auto encoder = make_encoder(options, schema());
  ByteBuilder out;
  BatchBuilder builder(schema());
  for (int i = begin; i < end; ++i) {
    builder.column(0).append(std::int64_t{i});
    builder.end_row();
    if ((i + 1) % rows_a_block != 0 && i + 1 != end) continue;
    encoder->encode(builder.finish(), out);
    encoder->complete(out);
  }
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

FormatOptions avro() {
  FormatOptions options;
  options.format = Format::kAvro;
  return options;
}

std::vector<int> read_bounded(std::vector<Position> splits, FormatOptions options = {}) {
  BoundedFiles files(system_input_files(), maker(options), options.format);
  files.start(std::move(splits));
  BatchBuilder batch(schema());
  std::vector<int> rows;
  for (;;) {
    const auto more = files.read(batch);
    BOOST_REQUIRE_MESSAGE(more.ok(), more.status().what());
    take(batch, rows);
    if (!*more) return rows;
  }
}

// A follower of one path, and what it has read.
struct Follower {
  explicit Follower(const std::string& path)
      : files(system_input_files(), clock, path, maker(), [this](const Position& position) {
          lost.push_back(position.path + ":" + std::to_string(position.offset));
          return Status();
        }) {}

  std::vector<int> read() {
    BOOST_REQUIRE(files.look().ok());
    BatchBuilder batch(schema());
    std::vector<int> rows;
    for (;;) {
      const auto more = files.read(batch);
      BOOST_REQUIRE_MESSAGE(more.ok(), more.status().what());
      take(batch, rows);
      if (!*more) return rows;
    }
  }
  // Another process taking up from here.
  std::vector<int> restarted(std::vector<Position> positions) {
    BOOST_REQUIRE(files.restore(positions).ok());
    return read();
  }

  ManualClock clock;
  std::vector<std::string> lost;
  FollowedFiles files;
};

}  // namespace

BOOST_TEST_SPECIALIZED_COLLECTION_COMPARE(std::vector<int>)  // element by element

BOOST_AUTO_TEST_SUITE(bounded_files)

BOOST_AUTO_TEST_CASE(a_path_means_a_file_a_folder_or_a_glob) {
  const Folder folder;
  for (const char* name : {"b.ndjson", "a.ndjson", "c.txt", ".hidden"}) folder.write(name, "");
  fs::create_directory(folder / "inner");
  const auto expand = [&](const std::string& path) {
    std::string names;
    const std::vector<std::string> paths = *system_input_files().expand(path);
    for (const std::string& each : paths) names += fs::path(each).filename().string() + " ";
    return names;
  };
  BOOST_TEST(expand(folder / "a.ndjson") == "a.ndjson ");
  BOOST_TEST(expand(folder.path()) == "a.ndjson b.ndjson c.txt ");
  BOOST_TEST(expand(folder / "*.ndjson") == "a.ndjson b.ndjson ");
  BOOST_TEST(expand(folder / "*") == "a.ndjson b.ndjson c.txt ");
  BOOST_TEST(expand(folder / "none") == "");
  folder.write("odd[1].txt", "");
  BOOST_TEST(expand(folder / "odd[1].txt") == "odd[1].txt ");
  BOOST_TEST(folder_of(folder / "x/*.log") == folder / "x");
  BOOST_TEST(
      (enumerate_splits(system_input_files(), folder / "none", Format::kNdjson, 0).status().code() == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(splits_of_every_size_hold_each_record_once) {
  const Folder folder;
  folder.write("x", lines(95, 130) + "\n" + lines(130, 131).substr(0, 9));
  for (std::uint64_t size = 1; size < 420; size += 3) {
    auto splits = *enumerate_splits(system_input_files(), folder / "x", Format::kNdjson, size);
    BOOST_TEST(read_bounded(splits) == numbers(95, 131), size);
    std::size_t owned = 0;
    for (std::uint32_t instance = 0; instance < 3; ++instance) {
      owned += static_cast<std::size_t>(std::count_if(
          splits.begin(), splits.end(), [&](const Position& split) { return split_owner(split, 3) == instance; }));
    }
    BOOST_TEST(owned == splits.size());
  }
}

BOOST_AUTO_TEST_CASE(instances_that_find_a_growing_file_of_different_sizes_read_nothing_twice) {
  const Folder folder;
  const auto splits_of = [&](std::uint32_t instance) {
    auto splits = *enumerate_splits(system_input_files(), folder / "x", Format::kNdjson, 64);
    std::erase_if(splits, [&](const Position& split) { return split_owner(split, 2) != instance; });
    return splits;
  };
  for (int grown = 10; grown < 60; ++grown) {
    folder.write("x", lines(10, grown));
    const auto first = splits_of(0);
    folder.append("x", lines(grown, 99));
    std::vector<int> rows = read_bounded(first);
    const std::vector<int> others = read_bounded(splits_of(1));
    rows.insert(rows.end(), others.begin(), others.end());
    std::sort(rows.begin(), rows.end());
    BOOST_TEST((std::adjacent_find(rows.begin(), rows.end()) == rows.end()), grown);
    // What was there when the first one looked is read.
    const std::vector<int> there = numbers(10, grown);
    BOOST_TEST(std::includes(rows.begin(), rows.end(), there.begin(), there.end()), grown);
  }
}

BOOST_AUTO_TEST_CASE(a_record_being_written_across_the_end_of_a_split_is_not_cut) {
  const Folder folder;
  folder.write("x", lines(10, 13));  // 9 bytes each, the split ends within the next one
  auto splits = *enumerate_splits(system_input_files(), folder / "x", Format::kNdjson, 30);
  BoundedFiles files(system_input_files(), maker());
  files.start(splits);
  BatchBuilder batch(schema());
  std::vector<int> rows;
  folder.append("x", lines(13, 20));
  while (*files.read(batch)) {}
  take(batch, rows);
  BOOST_TEST(rows == numbers(10, 14));
}

BOOST_AUTO_TEST_CASE(csv_and_compressed_files_stay_whole) {
  const Folder folder;
  folder.write("x.csv", "n\n1\n2\n3\n4\n");
  FormatOptions csv;
  csv.format = Format::kCsv;
  const auto splits = *enumerate_splits(system_input_files(), folder / "x.csv", Format::kCsv, 2);
  BOOST_TEST(splits.size() == 1u);
  BOOST_TEST(read_bounded(splits, csv) == numbers(1, 5));
  const gzFile file = gzopen((folder / "y.gz").c_str(), "wb");
  const std::string text = lines(0, 100);
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  auto compressed = *enumerate_splits(system_input_files(), folder / "y.gz", Format::kNdjson, 2);
  BOOST_TEST(compressed.size() == 1u);
  BOOST_TEST(read_bounded(compressed) == numbers(0, 100));
  compressed[0].offset = 8;  // of the text within
  BOOST_TEST(read_bounded(compressed) == numbers(1, 100));
}

BOOST_AUTO_TEST_CASE(files_of_avro_are_split_at_their_markers) {
  const Folder folder;
  folder.write("x.avro", avro_file(0, 300, 7));
  for (std::uint64_t size = 1; size < 2000; size += 37) {
    const auto splits = *enumerate_splits(system_input_files(), folder / "x.avro", Format::kAvro, size);
    BOOST_TEST(read_bounded(splits, avro()) == numbers(0, 300), size);
  }
}

BOOST_AUTO_TEST_CASE(reading_resumed_within_a_block_gives_each_record_once) {
  const Folder folder;
  folder.write("x.avro", avro_file(0, 200'000, 90'000));  // more than one batch to a block
  const auto splits = *enumerate_splits(system_input_files(), folder / "x.avro", Format::kAvro, 100'000);
  bool within = false;
  for (int stop = 0; stop < 9; ++stop) {
    BoundedFiles first(system_input_files(), maker(avro()), Format::kAvro);
    first.start(splits);
    BatchBuilder batch(schema());
    std::vector<int> rows;
    for (int i = 0; i < stop; ++i) {
      BOOST_REQUIRE(first.read(batch).ok());
      take(batch, rows);
    }
    for (const Position& position : first.positions()) within |= position.records != 0;
    const std::vector<int> rest = read_bounded(first.positions(), avro());
    rows.insert(rows.end(), rest.begin(), rest.end());
    BOOST_REQUIRE(rows == numbers(0, 200'000));
  }
  BOOST_TEST(within);
}

BOOST_AUTO_TEST_CASE(reading_resumed_at_any_snapshot_gives_each_record_once) {
  const Folder folder;
  folder.write("a", lines(0, 50'000));
  folder.write("b", lines(50'000, 60'000));
  const auto splits = *enumerate_splits(system_input_files(), folder.path(), Format::kNdjson, 100'000);
  for (int stop = 0; stop < 12; ++stop) {
    BoundedFiles first(system_input_files(), maker());
    first.start(splits);
    BatchBuilder batch(schema());
    std::vector<int> rows;
    for (int i = 0; i < stop; ++i) {
      BOOST_REQUIRE(first.read(batch).ok());
      take(batch, rows);
    }
    const std::vector<int> rest = read_bounded(first.positions());
    rows.insert(rows.end(), rest.begin(), rest.end());
    BOOST_REQUIRE(rows == numbers(0, 60'000));
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_was_replaced_is_refused) {
  const Folder folder;
  folder.write("a", lines(0, 100));
  auto splits = *enumerate_splits(system_input_files(), folder / "a", Format::kNdjson, 0);
  folder.write("a", lines(5, 105));
  BoundedFiles files(system_input_files(), maker());
  files.start(splits);
  BatchBuilder batch(schema());
  BOOST_TEST(files.read(batch).status().what().find("its beginning has changed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(how_many_records_wait_is_reckoned_from_bytes) {
  const Folder folder;
  folder.write("a", lines(100'000, 150'000));  // 13 bytes each
  folder.write("b", lines(150'000, 160'000));
  BoundedFiles files(system_input_files(), maker());
  files.start(*enumerate_splits(system_input_files(), folder.path(), Format::kNdjson, 300'000));
  BOOST_TEST(!files.pending().has_value());  // nothing was read
  BatchBuilder batch(schema());
  std::vector<int> rows;
  while (*files.read(batch)) {
    take(batch, rows);
    BOOST_TEST_REQUIRE(files.pending().has_value());
    const double left = 60'000 - static_cast<double>(rows.size());
    BOOST_TEST(std::abs(static_cast<double>(*files.pending()) - left) < 50);
  }
  BOOST_TEST(*files.pending() == 0u);
  folder.write("c.gz", gzipped(lines(0, 1000)));
  BoundedFiles packed(system_input_files(), maker());
  packed.start(*enumerate_splits(system_input_files(), folder / "c.gz", Format::kNdjson, 0));
  BOOST_TEST(*packed.read(batch));
  BOOST_TEST(!packed.pending().has_value());
}

BOOST_AUTO_TEST_CASE(sampling_takes_the_first_file_that_holds_something) {
  const Folder folder;
  BOOST_TEST((sample_files(system_input_files(), folder / "none", {}, 1000).status().code() == Code::kNotFound));
  folder.write("a", "");
  BOOST_TEST((sample_files(system_input_files(), folder.path(), {}, 1000).status().code() == Code::kNotFound));
  folder.write("b", lines(0, 1000));
  BOOST_TEST((sample_files(system_input_files(), folder.path(), {}, 1000)->schema == *schema()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(follow)

BOOST_AUTO_TEST_CASE(every_view_leads_to_the_action_its_facts_demand) {
  for (int bits = 0; bits < 64; ++bits) {
    FollowView view{(bits & 1) != 0, (bits & 2) != 0,  (bits & 4) != 0,
                    (bits & 8) != 0, (bits & 16) != 0, (bits & 32) != 0};
    if (view.grown && view.shrunk) continue;
    const FollowAction action = decide(view);
    BOOST_TEST((action == FollowAction::kStartOver) == (view.shrunk || (view.grown && view.head_changed)));
    BOOST_TEST((action == FollowAction::kRead) == (view.grown && !view.head_changed));
    const bool left = (view.name_gone || view.name_moved) && view.idle_long;
    BOOST_TEST((action == FollowAction::kFinish) == (!view.grown && !view.shrunk && left));
  }
}

BOOST_AUTO_TEST_CASE(a_growing_file_is_read_and_a_partial_line_held_back) {
  const Folder folder;
  folder.write("a.log", lines(0, 3) + "{\"n\":");
  Follower follower(folder / "a.log");
  BOOST_TEST(follower.read() == numbers(0, 3));
  folder.append("a.log", "3}");
  BOOST_TEST(follower.read() == numbers(0, 0));
  BOOST_TEST((*follower.files.positions())[0].offset == 24);
  folder.append("a.log", "\n" + lines(4, 6));
  BOOST_TEST(follower.read() == numbers(3, 6));
}

BOOST_AUTO_TEST_CASE(what_waits_in_files_that_grow_is_reckoned) {
  const Folder folder;
  folder.write("a.log", lines(10, 20));
  Follower follower(folder / "a.log");
  BOOST_TEST(follower.read() == numbers(10, 20));
  BOOST_TEST(*follower.files.pending() == 0u);
  folder.append("a.log", lines(20, 50));
  BOOST_TEST(*follower.files.pending() == 30u);
  BOOST_TEST(follower.read() == numbers(20, 50));
  BOOST_TEST(*follower.files.pending() == 0u);
}

BOOST_AUTO_TEST_CASE(a_file_that_comes_later_is_found) {
  const Folder folder;
  Follower follower(folder / "*.log");
  BOOST_TEST(follower.read() == numbers(0, 0));
  folder.write("a.log", lines(0, 3));
  BOOST_TEST(follower.read() == numbers(0, 3));
}

BOOST_AUTO_TEST_CASE(a_renamed_file_is_read_to_its_end_beside_its_successor) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower follower(folder / "a.log");
  BOOST_TEST(follower.read() == numbers(0, 3));
  folder.append("a.log", lines(3, 4));
  folder.rename("a.log", "a.log.1");
  folder.append("a.log.1", lines(4, 5));
  folder.write("a.log", lines(5, 7));
  BOOST_TEST(follower.read() == numbers(3, 7));
  folder.append("a.log.1", lines(7, 8) + "{\"n\":8}");  // a writer that has not reopened yet
  BOOST_TEST(follower.read() == numbers(7, 8));
  BOOST_TEST(follower.files.size() == 2u);
  follower.clock.advance(kLetGoAfter);
  BOOST_TEST(follower.read() == numbers(8, 9));  // no line end will come any more
  BOOST_TEST(follower.files.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_rename_within_the_pattern_reads_nothing_twice) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower follower(folder / "a.log*");
  BOOST_TEST(follower.read() == numbers(0, 3));
  folder.rename("a.log", "a.log.1");
  folder.write("a.log", lines(3, 5));
  BOOST_TEST(follower.read() == numbers(3, 5));
  follower.clock.advance(kLetGoAfter);
  BOOST_TEST(follower.read() == numbers(0, 0));
  BOOST_TEST(follower.files.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_truncated_file_is_read_from_its_start_again) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower follower(folder / "a.log");
  BOOST_TEST(follower.read() == numbers(0, 3));
  folder.write("a.log", lines(3, 4));
  BOOST_TEST(follower.read() == numbers(3, 4));
}

BOOST_AUTO_TEST_CASE(a_file_truncated_and_grown_beyond_its_old_size_is_noticed_by_its_head) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower follower(folder / "a.log");
  BOOST_TEST(follower.read() == numbers(0, 3));
  folder.write("a.log", lines(3, 9));
  BOOST_TEST(follower.read() == numbers(3, 9));
}

BOOST_AUTO_TEST_CASE(a_deleted_file_is_read_to_its_end_and_one_made_anew_from_its_start) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower follower(folder / "a.log");
  BOOST_TEST(follower.read() == numbers(0, 3));
  folder.remove("a.log");
  BOOST_TEST(follower.read() == numbers(0, 0));
  folder.write("a.log", lines(3, 5));
  BOOST_TEST(follower.read() == numbers(3, 5));
  follower.clock.advance(kLetGoAfter);
  BOOST_TEST(follower.read() == numbers(0, 0));
  BOOST_TEST(follower.files.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_restart_goes_on_exactly_where_the_snapshot_stood) {
  const Folder folder;
  folder.write("a.log", lines(0, 3) + "{\"n\":3");
  Follower first(folder / "a.log");
  BOOST_TEST(first.read() == numbers(0, 3));
  const auto positions = *first.files.positions();
  folder.append("a.log", "}\n" + lines(4, 6));
  Follower second(folder / "a.log");
  BOOST_TEST(second.restarted(positions) == numbers(3, 6));
}

BOOST_AUTO_TEST_CASE(a_file_that_the_path_does_not_name_any_more_is_read_to_its_end) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower first(folder / "a.log");
  BOOST_TEST(first.read() == numbers(0, 3));
  const auto positions = *first.files.positions();
  folder.append("a.log", lines(3, 5));
  folder.write("b.log", lines(5, 7));
  Follower second(folder / "b.log");
  BOOST_TEST(second.restarted(positions) == numbers(3, 7));
  second.clock.advance(kLetGoAfter);
  BOOST_TEST(second.read() == numbers(0, 0));
  folder.append("a.log", lines(7, 8));
  BOOST_TEST(second.read() == numbers(0, 0));
  BOOST_TEST(second.files.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_rotated_while_nobody_looked_is_found_by_its_head) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower first(folder / "a.log");
  BOOST_TEST(first.read() == numbers(0, 3));
  const auto positions = *first.files.positions();
  folder.append("a.log", lines(3, 5));
  folder.rename("a.log", "a.log.1");
  folder.write("a.log", lines(5, 7));
  Follower second(folder / "a.log");
  BOOST_TEST(second.restarted(positions) == numbers(3, 7));
  BOOST_TEST(second.lost.empty());
}

BOOST_AUTO_TEST_CASE(a_copy_made_before_truncation_is_found_by_its_head) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower first(folder / "a.log");
  BOOST_TEST(first.read() == numbers(0, 3));
  const auto positions = *first.files.positions();
  folder.write("a.log.1", lines(0, 5));
  folder.write("a.log", lines(5, 6));
  Follower second(folder / "a.log");
  BOOST_TEST(second.restarted(positions) == numbers(3, 6));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_for_good_is_reported_and_the_new_one_read) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower first(folder / "a.log");
  BOOST_TEST(first.read() == numbers(0, 3));
  const auto positions = *first.files.positions();
  folder.write("a.log", lines(5, 6));
  Follower second(folder / "a.log");
  BOOST_TEST(second.restarted(positions) == numbers(5, 6));
  BOOST_TEST_REQUIRE(second.lost.size() == 1u);
  BOOST_TEST(second.lost[0] == folder / "a.log" + ":24");
}

BOOST_AUTO_TEST_CASE(both_files_of_a_rotation_in_progress_survive_a_restart) {
  const Folder folder;
  folder.write("a.log", lines(0, 3));
  Follower first(folder / "a.log");
  BOOST_TEST(first.read() == numbers(0, 3));
  folder.rename("a.log", "a.log.1");
  folder.write("a.log", lines(3, 5));
  BOOST_TEST(first.read() == numbers(3, 5));
  const auto positions = *first.files.positions();
  BOOST_TEST(positions.size() == 2u);
  folder.append("a.log.1", lines(5, 6));
  folder.append("a.log", lines(6, 7));
  Follower second(folder / "a.log");
  BOOST_TEST(second.restarted(positions) == numbers(5, 7));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(follow_compressed)

namespace {

constexpr Microseconds kAMoment = 300'000;

std::vector<int> after_a_moment(Follower& follower) {
  std::vector<int> rows = follower.read();  // finds the file
  follower.clock.advance(kAMoment);
  const std::vector<int> more = follower.read();
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_compressed_file_is_read_once_when_it_is_whole) {
  const Folder folder;
  const std::string whole = gzipped(lines(0, 5000));
  folder.write("a.gz", whole.substr(0, whole.size() / 2));
  Follower follower(folder / "*");
  BOOST_TEST(after_a_moment(follower) == numbers(0, 0));
  folder.append("a.gz", whole.substr(whole.size() / 2, 100));
  BOOST_TEST(after_a_moment(follower) == numbers(0, 0));
  folder.write("a.gz", whole);
  BOOST_TEST(follower.read() == numbers(0, 0));  // somebody may still be writing
  BOOST_TEST(after_a_moment(follower) == numbers(0, 5000));
  BOOST_TEST(after_a_moment(follower) == numbers(0, 0));
  folder.rename("a.gz", "b.gz");
  BOOST_TEST(after_a_moment(follower) == numbers(0, 0));
  Follower next(folder / "*");
  BOOST_TEST(next.restarted(*follower.files.positions()) == numbers(0, 0));
  BOOST_TEST(after_a_moment(next) == numbers(0, 0));
  folder.write("c.gz", gzipped(lines(7, 9)));
  BOOST_TEST(after_a_moment(next) == numbers(7, 9));
}

BOOST_AUTO_TEST_CASE(what_is_no_compressed_file_is_left_alone) {
  const Folder folder;
  std::string broken = gzipped(lines(0, 5000));
  broken[20] = static_cast<char>(broken[20] ^ 0x55);
  folder.write("a.gz", broken + std::string(300'000, 'x'));
  Follower follower(folder / "*");
  after_a_moment(follower);
  BOOST_TEST(after_a_moment(follower) == numbers(0, 0));
}

BOOST_AUTO_TEST_CASE(a_rotated_file_that_is_compressed_is_not_read_again) {
  const Folder folder;
  folder.write("x.log", lines(0, 1000));
  Follower follower(folder / "x.log*");
  BOOST_TEST(follower.read() == numbers(0, 1000));
  // While its descriptor is still read.
  folder.rename("x.log", "x.log.1");
  folder.write("x.log.1.gz", gzipped(lines(0, 1000)));
  folder.remove("x.log.1");
  folder.write("x.log", lines(1000, 1001));
  BOOST_TEST(after_a_moment(follower) == numbers(1000, 1001));
  // Shifted by the next rotation, after the first was let go.
  follower.clock.advance(kLetGoAfter);
  BOOST_TEST(after_a_moment(follower) == numbers(0, 0));
  folder.rename("x.log.1.gz", "x.log.2.gz");
  folder.rename("x.log", "x.log.1");
  BOOST_TEST(follower.read() == numbers(0, 0));
  folder.remove("x.log.1");
  BOOST_TEST(follower.read() == numbers(0, 0));
  follower.clock.advance(kLetGoAfter);
  BOOST_TEST(follower.read() == numbers(0, 0));
  folder.write("x.log.1.gz", gzipped(lines(1000, 1001)));
  BOOST_TEST(after_a_moment(follower) == numbers(0, 0));
  Follower next(folder / "x.log*");
  BOOST_TEST(next.restarted(*follower.files.positions()) == numbers(0, 0));
  BOOST_TEST(after_a_moment(next) == numbers(0, 0));
  BOOST_TEST(next.lost.empty());
}

BOOST_AUTO_TEST_CASE(a_file_compressed_while_nobody_looked_goes_on_where_it_stood) {
  const Folder folder;
  folder.write("x.log", lines(0, 1000));
  Follower follower(folder / "x.log*");
  BOOST_TEST(follower.read() == numbers(0, 1000));
  const auto positions = *follower.files.positions();
  folder.remove("x.log");
  folder.write("x.log-20260101.gz", gzipped(lines(0, 1500)));
  folder.write("x.log", lines(1500, 1600));
  Follower next(folder / "x.log*");
  std::vector<int> rows = next.restarted(positions);
  std::ranges::sort(rows);
  BOOST_TEST(rows == numbers(1000, 1600));
  BOOST_TEST(after_a_moment(next) == numbers(0, 0));
  BOOST_TEST(next.lost.empty());
}

BOOST_AUTO_TEST_CASE(reading_a_compressed_file_goes_on_where_a_snapshot_stood) {
  const Folder folder;
  folder.write("a.gz", gzipped(lines(0, 200'000)));
  Follower first(folder / "*");
  BOOST_TEST(first.read() == numbers(0, 0));
  first.clock.advance(kAMoment);
  BatchBuilder batch(schema());
  std::vector<int> rows;
  while (rows.empty()) {
    BOOST_REQUIRE(*first.files.read(batch));
    take(batch, rows);
  }
  BOOST_TEST(rows.size() < 200'000U);
  Follower next(folder / "*");
  const std::vector<int> rest = next.restarted(*first.files.positions());
  rows.insert(rows.end(), rest.begin(), rest.end());
  BOOST_TEST(rows == numbers(0, 200'000));
  BOOST_TEST(after_a_moment(next) == numbers(0, 0));
}

BOOST_AUTO_TEST_SUITE_END()
