#include "snapshot/archive/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "snapshot/archive/tar.h"
#include "snapshot/archive/zstd_stream.h"
#include "snapshot/digest.h"
#include "snapshot/folder_lock.h"
#include "snapshot/savepoint_partial.h"

namespace stream {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::size_t kEntriesMax = 1 << 17;  // far above what a job has instances
constexpr std::size_t kFolderNameMax = 100;

// --- packing -------------------------------------------------------------------------------------

// What an archive consists of: names in it, files.
struct Part {
  std::string name;
  std::string path;
  std::string sha256 = {};  // that it is to have; "" = whatever it has
};

std::string without_suffix(std::string name) {
  if (name.ends_with(kArchiveSuffix)) name.resize(name.size() - kArchiveSuffix.size());
  return name;
}

// The index first.
std::vector<Part> parts_of(const CheckpointIndex& index, const std::string& path, const std::string& target) {
  std::string top = without_suffix(last_name(target));
  if (top.empty() || top.size() > kFolderNameMax) top = "savepoint";
  if (savepoint_folder(path) != path) return {{top.ends_with(".sqlite") ? top : top + ".sqlite", path}};
  std::vector<Part> parts = {
      {top + "/" + std::string(kSavepointIndexName), path + "/" + std::string(kSavepointIndexName)}};
  for (const FileRef& file : files_of(index))
    parts.push_back({top + "/" + file.path, path + "/" + file.path, file.sha256});
  return parts;
}

Status add(ZstdWriter& out, Files& files, const Part& part, std::int64_t modified_s, const RunStep& run) {
  STREAM_ASSIGN(const std::uint64_t size, files.size(part.path));
  STREAM_ASSIGN(const std::string header, tar_header({part.name, size, false}, modified_s));
  STREAM_TRY(out.write(header));
  std::optional<Sha256> digest;
  if (!part.sha256.empty()) digest.emplace();
  for (std::uint64_t at = 0; at < size;) {
    STREAM_TRY(run([&]() -> Status {
      STREAM_ASSIGN(const std::string piece, files.read_at(part.path, at, kPieceBytes));
      if (piece.empty() || at + piece.size() > size) return corrupt("'" + part.path + "' changes while it is read");
      at += piece.size();
      if (digest) digest->add(piece);
      return out.write(piece);
    }));
  }
  if (digest && digest->finish().sha256 != part.sha256)
    return corrupt("'" + part.path + "' is damaged: its SHA-256 is not what the index says");
  return out.write(std::string(tar_padding(size), '\0'));
}

Status write_parts(ZstdWriter& out, Files& files, const std::vector<Part>& parts, std::int64_t modified_s,
                   const RunStep& run) {
  for (const Part& part : parts) STREAM_TRY(add(out, files, part, modified_s, run));
  STREAM_TRY(out.write(std::string(2 * kTarBlock, '\0')));
  return out.finish();
}

Status write_archive(Files& files, const std::vector<Part>& parts, std::int64_t modified_s, const std::string& partial,
                     const RunStep& run) {
  STREAM_TRY(files.write_file(partial, ""));
  std::uint64_t written = 0;
  ZstdWriter out([&](std::string_view bytes) {
    const std::uint64_t at = written;
    written += bytes.size();
    return files.write_at(partial, at, bytes);
  });
  STREAM_TRY(write_parts(out, files, parts, modified_s, run));
  if (::chmod(partial.c_str(), 0444) != 0) return system_error("protect", partial, errno);
  return run([&] { return files.sync_file(partial); });
}

// --- unpacking -----------------------------------------------------------------------------------

// A file that must not exist yet.
class NewFile {
 public:
  explicit NewFile(std::string path)
      : path_(std::move(path)),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444)),
        error_(fd_ < 0 ? errno : 0) {}
  ~NewFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  Status status() const {
    if (error_ == EEXIST) return corrupt("it holds '" + last_name(path_) + "' twice");
    return error_ == 0 ? Status() : system_error("create", path_, error_);
  }
  Status write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("write", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

 private:
  std::string path_;
  int fd_;
  int error_;
};

// Unpacks one archive.
class Unpacking {
 public:
  Unpacking(TarReader& tar, std::string folder) : tar_(tar), folder_(std::move(folder)), buffer_(kPieceBytes) {}

  Status run(bool index_only) {
    STREAM_TRY(measure());
    for (std::size_t entries = 0;; ++entries) {
      STREAM_ASSIGN(const auto entry, tar_.next());
      if (!entry) return {};
      if (entries == kEntriesMax) return usage_error("it holds too many files for a savepoint");
      STREAM_ASSIGN(const std::string name, name_in_archive(*entry));
      if (entry->folder) continue;
      STREAM_TRY(unpack(*entry, name));
      if (index_only && name == kSavepointIndexName) return {};
    }
  }

  // Where the savepoint is.
  Result<std::string> found() const {
    if (names_.contains(std::string(kSavepointIndexName))) return folder_;
    if (names_.size() == 1) return folder_ + "/" + *names_.begin();
    return usage_error("it holds no savepoint");
  }

 private:
  Status measure() {
    struct statvfs space {};
    if (::statvfs(folder_.c_str(), &space) != 0) return system_error("look at", folder_, errno);
    free_bytes_ = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    return {};
  }

  Status unpack(const TarEntry& entry, const std::string& name) {
    if (entry.size_bytes > free_bytes_)
      return failed("it does not fit into '" + folder_ + "': the disk has too little space left");
    free_bytes_ -= entry.size_bytes;
    NewFile file(folder_ + "/" + name);
    STREAM_TRY(file.status());
    names_.insert(name);
    for (;;) {
      STREAM_ASSIGN(const std::size_t got, tar_.read(buffer_));
      if (got == 0) return {};
      STREAM_TRY(file.write({buffer_.data(), got}));
    }
  }

  TarReader& tar_;
  std::string folder_;
  std::vector<char> buffer_;
  std::set<std::string> names_;
  std::uint64_t free_bytes_ = 0;
};

Status sync_all(Files& files, const std::string& path) {
  if (savepoint_folder(path) != path) return files.sync_file(path);
  STREAM_ASSIGN(const auto names, files.list(path));
  for (const std::string& name : names) STREAM_TRY(files.sync_file(path + "/" + name));
  return files.sync_dir(path);
}

}  // namespace

bool is_archive(const std::string& path) { return is_zstd(path); }

namespace {

Status pack(Files& files, const CheckpointIndex& index, const std::string& path, const std::string& target,
            const RunStep& run) {
  std::vector<Part> parts = parts_of(index, path, target);
  for (Part& part : parts) part.sha256.clear();  // they were hashed a moment ago
  return publish_savepoint(files, target, [&](const std::string& partial) -> Result<std::string> {
    STREAM_TRY(write_archive(files, parts, index.created_us / 1'000'000, partial, run));
    return partial;
  });
}

}  // namespace

Status pack_savepoint(Files& files, const std::string& path, const std::string& target) {
  STREAM_ASSIGN(const CheckpointIndex index, load_savepoint(path));
  STREAM_TRY(verify_files(index, savepoint_folder(path)));
  return pack(files, index, path, target, run_here);
}

Status pack_into(Files& files, const std::string& path, const std::string& name, const ByteSink& sink) {
  STREAM_ASSIGN(const CheckpointIndex index, load_savepoint(path));
  ZstdWriter out(sink);
  return write_parts(out, files, parts_of(index, path, name), index.created_us / 1'000'000, run_here);
}

Result<CheckpointIndex> build_archive(Files& files, const SavepointRequest& request) {
  STREAM_TRY(refuse_existing(request.target));
  SavepointRequest unpacked = request;
  unpacked.target = unpacked_name(request.target);
  STREAM_TRY(files.make_dir(folder_above(request.target)));
  const FolderLock busy(folder_above(request.target), LOCK_SH);
  STREAM_TRY(remove_partial(files, unpacked.target));
  auto built = build_savepoint(files, unpacked);
  // What was written a moment ago, and hashed, is not read once more to see that it is.
  Status packed = built.ok() ? pack(files, *built, unpacked.target, request.target, request.run) : built.status();
  const Status removed = remove_partial(files, unpacked.target);
  STREAM_TRY(packed);
  STREAM_TRY(removed);
  return built;
}

Result<std::string> unpack_archive(const std::string& archive, const std::string& folder, bool index_only) {
  STREAM_ASSIGN(const auto zstd, ZstdReader::open(archive));
  TarReader tar([&](std::span<char> out) { return zstd->read(out); });
  Unpacking unpacking(tar, folder);
  Status unpacked = unpacking.run(index_only);
  if (!unpacked.ok()) return std::move(unpacked).while_doing("unable to read '" + archive + "'");
  auto found = unpacking.found();
  return found.ok() ? found
                    : Result<std::string>(std::move(found).status().while_doing("unable to read '" + archive + "'"));
}

Result<CheckpointIndex> unpack_savepoint(Files& files, const std::string& archive, const std::string& target) {
  std::optional<CheckpointIndex> index;
  const Status published = publish_savepoint(files, target, [&](const std::string& partial) -> Result<std::string> {
    STREAM_TRY(files.make_dir(partial));
    STREAM_ASSIGN(std::string found, unpack_archive(archive, partial, false));
    STREAM_ASSIGN(index, load_savepoint(found));
    STREAM_TRY(verify_files(*index, savepoint_folder(found)));
    STREAM_TRY(sync_all(files, found));
    return found;
  });
  STREAM_TRY(published);
  return *std::move(index);
}

}  // namespace stream
