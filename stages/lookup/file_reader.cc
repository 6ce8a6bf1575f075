#include "stages/lookup/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "stages/format/byte_reader.h"
#include "stages/format/decoder.h"
#include "stages/format/infer.h"
#include "stages/format/input_buffer.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::string_view kSqliteMagic = "SQLite format 3";
// Two changes closer together may leave the same time: a file as young as that may still be changing.
constexpr Microseconds kYoung = 2'000'000;

struct Facts {
  std::string text;  // differs between two states of the file
  bool young = false;
};

Result<Facts> facts_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return system_error("open", path, errno);
  const Microseconds changed = found.st_mtim.tv_sec * 1'000'000 + found.st_mtim.tv_nsec / 1000;
  std::string text = std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino) + ":" +
                     std::to_string(found.st_size) + ":" + std::to_string(found.st_mtim.tv_sec) + "." +
                     std::to_string(found.st_mtim.tv_nsec);
  return Facts{std::move(text), changed > system_clock().wall_us() - kYoung};
}

Result<std::unique_ptr<ByteReader>> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("open", path, errno);
  return detecting_reader(file_reader(fd, path));
}

class FileReader final : public ReferenceReader {
 public:
  FileReader(const Reference& reference, SchemaPtr schema) : reference_(reference), schema_(std::move(schema)) {}

  Result<std::string> version() override;
  Result<std::vector<Batch>> read_all(std::uint64_t bytes_max) override;
  Result<std::vector<Batch>> read_keys(const Batch& /*keys*/) override { return failed("a file has no index"); }

 private:
  Result<SchemaPtr> declared() const;
  Status decode(ByteReader& bytes, Decoder& decoder, BatchGatherer& rows, std::uint64_t bytes_max) const;

  const Reference reference_;
  const SchemaPtr schema_;
  bool read_young_ = false;  // what was read may have changed without a trace
  std::uint64_t readings_ = 0;
};

Result<std::string> FileReader::version() {
  STREAM_ASSIGN(Facts facts, facts_of(reference_.path));
  if (read_young_) facts.text += "#" + std::to_string(readings_);
  return std::move(facts.text);
}

// All columns of the file: those that are not read are known all the same.
Result<SchemaPtr> FileReader::declared() const {
  STREAM_ASSIGN(Schema declared, find_reference_schema(reference_));
  for (const Field& field : schema_->fields) {
    const auto at = declared.find(field.name);
    if (at) {
      declared.fields[*at].type = field.type;
    } else {
      declared.fields.push_back(field);
    }
  }
  return std::make_shared<const Schema>(std::move(declared));
}

Status FileReader::decode(ByteReader& bytes, Decoder& decoder, BatchGatherer& rows, std::uint64_t bytes_max) const {
  InputBuffer buffer;
  for (bool end = false; !end;) {
    STREAM_ASSIGN(const std::size_t count, bytes.read(buffer.space(kReadSize), kReadSize));
    buffer.filled(count);
    end = count == 0;
    for (bool full = true; full;) {
      STREAM_ASSIGN(const std::size_t used, decoder.decode(buffer.bytes(), end, rows.builder()));
      buffer.consume(used);
      full = rows.builder().full();
      if (full) rows.flush();
    }
    STREAM_TRY(check_size(reference_, rows.bytes(), bytes_max));
  }
  return {};
}

Result<std::vector<Batch>> FileReader::read_all(std::uint64_t bytes_max) {
  STREAM_ASSIGN(const Facts before, facts_of(reference_.path));
  STREAM_ASSIGN(SchemaPtr all, declared());
  STREAM_ASSIGN(const auto decoder, make_decoder({reference_.format, std::move(all), schema_, {}}));
  STREAM_ASSIGN(const auto bytes, open_file(reference_.path));
  BatchGatherer rows(schema_);
  Status status = decode(*bytes, *decoder, rows, bytes_max);
  STREAM_ASSIGN(const Facts after, facts_of(reference_.path));
  ++readings_;
  read_young_ = before.young;
  // Half of the old and half of the new one is worse than either.
  if (before.text != after.text) return Status(Code::kSystem, "'" + reference_.path + "' changes while it is read");
  if (status.code() == Code::kBadRecord) status = failed(status.what());
  if (!status.ok()) return std::move(status).while_doing("'" + reference_.path + "'");
  return rows.finish();
}

}  // namespace

Result<Schema> schema_of_file(const Reference& reference) {
  if (reference.format.format == Format::kText) return parse_schema("line varchar");
  STREAM_ASSIGN(const auto bytes, open_file(reference.path));
  std::string sample(kSampleBytesMax, '\0');
  std::size_t held = 0;
  bool complete = false;
  while (held < sample.size() && !complete) {
    STREAM_ASSIGN(const std::size_t count, bytes->read(sample.data() + held, sample.size() - held));
    complete = count == 0;
    held += count;
  }
  sample.resize(held);
  if (sample.starts_with(kSqliteMagic)) {
    return usage_error("'" + reference.path + "' is an SQLite database; name a table of it: table");
  }
  auto inferred = infer_schema(reference.format, sample, complete);
  if (!inferred.ok()) { return usage_error("unable to sample '" + reference.path + "': " + inferred.status().what()); }
  return std::move(inferred->schema);
}

std::unique_ptr<ReferenceReader> make_file_reader(const Reference& reference, SchemaPtr schema) {
  return std::make_unique<FileReader>(reference, std::move(schema));
}

}  // namespace stream
