#include "stages/read-file/sample.h"

#include "stages/read-file/splits.h"

namespace stream {
namespace {

// Lends an InputFile to a ByteReader.
std::shared_ptr<InputFile> borrowed(InputFile& file) { return {std::shared_ptr<void>(), &file}; }

struct Beginning {
  std::string bytes;
  bool complete = false;
};

Result<Beginning> read_some(InputFile& file, std::uint64_t size) {
  STREAM_ASSIGN(const auto reader, detecting_reader(range_reader(borrowed(file), 0, UINT64_MAX)));
  Beginning beginning;
  beginning.bytes.resize(static_cast<std::size_t>(size));
  std::size_t held = 0;
  while (held < beginning.bytes.size()) {
    STREAM_ASSIGN(const std::size_t count, reader->read(beginning.bytes.data() + held, beginning.bytes.size() - held));
    beginning.complete = count == 0;
    if (count == 0) break;
    held += count;
  }
  beginning.bytes.resize(held);
  return beginning;
}

}  // namespace

Result<std::string> read_beginning(InputFile& file, std::uint64_t size) {
  STREAM_ASSIGN(Beginning beginning, read_some(file, size));
  return std::move(beginning.bytes);
}

Result<Inferred> sample_files(InputFiles& files, const std::string& path, const FormatOptions& options,
                              std::uint64_t size) {
  STREAM_ASSIGN(const std::vector<std::string> paths, files.expand(path));
  for (const std::string& each : paths) {
    STREAM_ASSIGN(const auto file, files.open(each));
    STREAM_ASSIGN(const Beginning beginning, read_some(*file, size));
    if (beginning.bytes.empty()) continue;
    auto inferred = infer_schema(options, beginning.bytes, beginning.complete);
    if (!inferred.ok()) return std::move(inferred).status().while_doing("unable to sample '" + each + "'");
    return inferred;
  }
  if (paths.empty()) return no_file(files, path);
  return Status(Code::kNotFound, "'" + path + "' is empty: there is nothing to find the schema in");
}

}  // namespace stream
