#include "storage/transfer.h"

#include <algorithm>

#include "transport/base/files.h"
#include "transport/base/in_parallel.h"

namespace stream {
namespace {

constexpr std::uint64_t kPartsMost = 10'000;  // of an object

Result<std::string> exactly(const std::string& path, const PartRange& range) {
  STREAM_ASSIGN(std::string bytes, system_files().read_at(path, range.offset, range.size));
  if (bytes.size() != range.size) return corrupt("'" + path + "' has become shorter");
  return bytes;
}

Status upload_parts(ObjectStore& store, const std::string& path, const OpenUpload& upload,
                    const std::vector<PartRange>& ranges) {
  std::vector<UploadedPart> parts(ranges.size());
  STREAM_TRY(in_parallel(ranges.size(), kPartsAtOnce, [&](std::size_t i) -> Status {
    STREAM_ASSIGN(const std::string bytes, exactly(path, ranges[i]));
    STREAM_ASSIGN(std::string etag, store.upload_part(upload, ranges[i].number, bytes));
    parts[i] = {ranges[i].number, std::move(etag)};
    return {};
  }));
  return store.complete_upload(upload, parts);
}

// Its answer was lost: it is there, or it is not.
Result<bool> is_complete(ObjectStore& store, const std::string& key, std::uint64_t size) {
  const auto facts = store.facts(key);
  if (facts.status().code() == Code::kNotFound) return false;
  if (!facts.ok()) return facts.status();
  return facts->size == size;
}

}  // namespace

std::vector<PartRange> plan_parts(std::uint64_t size, std::uint64_t part_bytes) {
  if (size <= part_bytes) return {};
  part_bytes = std::max(part_bytes, (size + kPartsMost - 1) / kPartsMost);
  std::vector<PartRange> parts;
  for (std::uint64_t at = 0; at < size; at += part_bytes)
    parts.push_back({static_cast<std::uint32_t>(parts.size() + 1), at, std::min(part_bytes, size - at)});
  return parts;
}

Status upload_file(ObjectStore& store, const std::string& path, const std::string& key, std::uint64_t part_bytes) {
  STREAM_ASSIGN(const std::uint64_t size, system_files().size(path));
  const auto ranges = plan_parts(size, part_bytes);
  if (ranges.empty()) {
    STREAM_ASSIGN(const std::string bytes, exactly(path, {1, 0, size}));
    return store.put(key, bytes, {}).status();
  }
  STREAM_ASSIGN(std::string id, store.begin_upload(key));
  const OpenUpload upload{key, std::move(id)};
  Status done = upload_parts(store, path, upload, ranges);
  if (done.ok()) return done;
  if (done.code() == Code::kNotFound) {
    STREAM_ASSIGN(const bool complete, is_complete(store, key, size));
    if (complete) return {};
  }
  (void)store.abort_upload(upload);  // what is left of it goes when the next supervisor begins
  return done;
}

Status download_file(ObjectStore& store, const std::string& key, std::uint64_t size, const std::string& path,
                     std::uint64_t part_bytes) {
  Files& files = system_files();
  STREAM_TRY(files.remove(path));
  STREAM_TRY(files.write_file(path, ""));
  auto ranges = plan_parts(size, part_bytes);
  if (ranges.empty() && size > 0) ranges.push_back({1, 0, size});
  return in_parallel(ranges.size(), kPartsAtOnce, [&](std::size_t i) -> Status {
    STREAM_ASSIGN(const ObjectBytes got, store.get(key, ranges[i].offset, ranges[i].size));
    if (got.bytes.size() != ranges[i].size) return corrupt("'" + key + "' has fewer bytes than it should have");
    return files.write_at(path, ranges[i].offset, got.bytes);
  });
}

Status abort_uploads(ObjectStore& store, const std::string& prefix) {
  STREAM_ASSIGN(const auto uploads, store.list_uploads(prefix));
  for (const OpenUpload& upload : uploads) STREAM_TRY(store.abort_upload(upload));
  return {};
}

}  // namespace stream
