#include "transport/base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace stream {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

Status sync_path(const std::string& path, int flags) {
  const Descriptor file(path, flags);
  if (!file.ok()) return system_error("open", path, errno);
  if (::fsync(file.get()) != 0) return system_error("sync", path, errno);
  return {};
}

class SystemFiles final : public Files {
 public:
  Status write_file(const std::string& path, std::string_view bytes) override {
    const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok()) return system_error("create", path, errno);
    while (!bytes.empty()) {
      const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("write", path, errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<std::string> read_file(const std::string& path) override {
    const Descriptor file(path, O_RDONLY);
    if (!file.ok()) return system_error("open", path, errno);
    std::string bytes;
    char chunk[1 << 16];
    for (;;) {
      const ssize_t n = ::read(file.get(), chunk, sizeof chunk);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("read", path, errno);
      if (n == 0) return bytes;
      bytes.append(chunk, static_cast<std::size_t>(n));
    }
  }

  Status copy_file(const std::string& from, const std::string& to) override {
    std::error_code error;
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, error);
    return error ? system_error("copy", from, error.value()) : Status();
  }

  Status sync_file(const std::string& path) override { return sync_path(path, O_RDONLY); }
  Status sync_dir(const std::string& path) override { return sync_path(path, O_RDONLY | O_DIRECTORY); }

  Status rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from, errno);
    return {};
  }

  Status remove(const std::string& path) override {
    if (std::remove(path.c_str()) != 0 && errno != ENOENT) return system_error("remove", path, errno);
    return {};
  }

  Status make_dir(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return system_error("create folder", path, error.value());
    return {};
  }

  Status write_at(const std::string& path, std::uint64_t offset, std::string_view bytes) override {
    const Descriptor file(path, O_WRONLY | O_CREAT);
    if (!file.ok()) return system_error("open", path, errno);
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("write", path, errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  Result<std::string> read_at(const std::string& path, std::uint64_t offset, std::size_t size_max) override {
    const Descriptor file(path, O_RDONLY);
    if (!file.ok()) return system_error("open", path, errno);
    std::string bytes(size_max, '\0');
    std::size_t done = 0;
    while (done < size_max) {
      const ssize_t n = ::pread(file.get(), bytes.data() + done, size_max - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("read", path, errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    bytes.resize(done);
    return bytes;
  }

  Result<std::uint64_t> size(const std::string& path) override {
    struct stat found;
    if (::stat(path.c_str(), &found) != 0) return system_error("look at", path, errno);
    return static_cast<std::uint64_t>(found.st_size);
  }

  Status truncate(const std::string& path, std::uint64_t size_bytes) override {
    if (::truncate(path.c_str(), static_cast<off_t>(size_bytes)) != 0) { return system_error("truncate", path, errno); }
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
    if (!dir) return system_error("list", path, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
  }
};

}  // namespace

Status Files::copy_file(const std::string& from, const std::string& to) {
  STREAM_ASSIGN(const std::string bytes, read_file(from));
  return write_file(to, bytes);
}

// NFS may lose the answer to a link that was made: the file has two names then.
Result<bool> Files::link_unless_taken(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return true;
  const int error = errno;
  struct stat found {};
  if (::stat(from.c_str(), &found) == 0 && found.st_nlink == 2) return true;
  if (error == EEXIST) return false;
  return system_error("link", to, error);
}

Status Files::write_at(const std::string& path, std::uint64_t offset, std::string_view bytes) {
  auto held = read_file(path);
  if (!held.ok() && held.status().code() != Code::kNotFound) return std::move(held).status();
  std::string all = held.ok() ? *std::move(held) : "";
  if (all.size() < offset + bytes.size()) all.resize(offset + bytes.size());
  all.replace(offset, bytes.size(), bytes);
  return write_file(path, all);
}

Result<std::string> Files::read_at(const std::string& path, std::uint64_t offset, std::size_t size_max) {
  STREAM_ASSIGN(const std::string all, read_file(path));
  return offset < all.size() ? all.substr(offset, size_max) : std::string();
}

Result<std::uint64_t> Files::size(const std::string& path) {
  STREAM_ASSIGN(const std::string all, read_file(path));
  return static_cast<std::uint64_t>(all.size());
}

Files& system_files() {
  static SystemFiles files;
  return files;
}

}  // namespace stream
