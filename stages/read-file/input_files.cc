#include "stages/read-file/input_files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace stream {
namespace {

FileFacts facts_of(const struct stat& info) {
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size)};
}

class SystemFile final : public InputFile {
 public:
  SystemFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~SystemFile() override { ::close(fd_); }

  Result<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) override {
    for (;;) {
      const ssize_t count = ::pread(fd_, to, size, static_cast<off_t>(offset));
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return system_error("read", path_, errno);
    }
  }

  Result<FileFacts> facts() override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return system_error("stat", path_, errno);
    return facts_of(info);
  }

 private:
  int fd_;
  std::string path_;
};

class SystemInputFiles final : public InputFiles {
 public:
  Result<std::vector<std::string>> expand(const std::string& path) override {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return list_folder(path);
    if (std::filesystem::exists(path, error)) return std::vector<std::string>{path};
    return is_glob(path) ? match(path) : std::vector<std::string>();
  }

  Result<std::unique_ptr<InputFile>> open(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return system_error("open", path, errno);
    return std::unique_ptr<InputFile>(new SystemFile(fd, path));
  }

  Result<FileFacts> facts(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return system_error("stat", path, errno);
    return facts_of(info);
  }

 private:
  static Result<std::vector<std::string>> list_folder(const std::string& path) {
    std::error_code error;
    std::vector<std::string> files;
    for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      std::error_code ignored;
      if (at->path().filename().native().starts_with('.') || !at->is_regular_file(ignored)) continue;
      files.push_back(at->path().native());
    }
    if (error) return system_error("list", path, error.value());
    std::sort(files.begin(), files.end());
    return files;
  }

  static std::vector<std::string> match(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> files;
    std::error_code error;
    if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0) {
      for (std::size_t i = 0; i < found.gl_pathc; ++i) {
        if (std::filesystem::is_regular_file(found.gl_pathv[i], error)) files.emplace_back(found.gl_pathv[i]);
      }
    }
    ::globfree(&found);
    return files;
  }
};

}  // namespace

InputFiles& system_input_files() {
  static SystemInputFiles files;
  return files;
}

bool is_glob(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

Status no_file(InputFiles& files, const std::string& path) {
  if (is_glob(path)) return {Code::kNotFound, "no file matches '" + path + "'"};
  auto file = files.open(path);
  if (!file.ok()) return std::move(file).status();
  return {Code::kNotFound, "folder '" + path + "' holds no file"};
}

std::string folder_of(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return path;
  const std::string fixed = path.substr(0, path.find_first_of("*?["));
  const std::size_t slash = fixed.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : fixed.substr(0, slash);
}

Result<std::uint64_t> hash_head(InputFile& file, std::uint64_t size) {
  std::array<char, kHeadSize> head;
  STREAM_CHECK(size <= head.size());
  std::size_t held = 0;
  while (held < size) {
    STREAM_ASSIGN(const std::size_t count,
                  file.read_at(held, head.data() + held, static_cast<std::size_t>(size) - held));
    if (count == 0) return Status(Code::kNotFound, "the file is shorter than its recorded head");
    held += count;
  }
  return hash_bytes({head.data(), held});
}

std::uint64_t hash_bytes(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace stream
