#include "stages/read-file/object_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "storage/open.h"

namespace stream {
namespace {

constexpr std::uint64_t kFirstPiece = 64 << 10;  // many are looked into and not read
constexpr std::uint64_t kLargestPiece = 8 << 20;
// A source that waits longer does not say that it lives.
constexpr Microseconds kPatience = 5'000'000;

// Read from front to back in pieces that grow; somebody who jumps begins with a small one again.
class ObjectFile final : public InputFile {
 public:
  ObjectFile(ObjectStore& store, ObjectFacts facts, std::string path)
      : store_(store), facts_(std::move(facts)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) override {
    if (offset >= facts_.size || size == 0) return std::size_t{0};
    if (offset < begin_ || offset >= begin_ + piece_.size()) STREAM_TRY(fetch(offset));
    const std::size_t at = static_cast<std::size_t>(offset - begin_);
    const std::size_t count = std::min(size, piece_.size() - at);
    std::memcpy(to, piece_.data() + at, count);
    return count;
  }

  Result<FileFacts> facts() override { return FileFacts{0, hash_bytes(facts_.etag), facts_.size}; }

 private:
  Status fetch(std::uint64_t offset) {
    const bool next = offset == begin_ + piece_.size() && offset > 0;
    length_ = next ? std::min(length_ * 4, kLargestPiece) : kFirstPiece;
    const std::uint64_t wanted = std::min(length_, facts_.size - offset);
    STREAM_ASSIGN(ObjectBytes got, store_.get(facts_.key, offset, wanted));
    if (got.etag != facts_.etag || got.bytes.size() != wanted) {
      return usage_error("'" + path_ +
                         "' has been replaced while it was read; put the old one back, or begin again "
                         "with --fresh");
    }
    piece_ = std::move(got.bytes);
    begin_ = offset;
    return {};
  }

  ObjectStore& store_;
  const ObjectFacts facts_;
  const std::string path_;
  std::string piece_;
  std::uint64_t begin_ = 0;
  std::uint64_t length_ = kFirstPiece;
};

// Of a folder: not what is in those below it, nor what is hidden.
bool is_in(const std::string& key, const std::string& folder) {
  const std::string_view name = std::string_view(key).substr(folder.size());
  return !name.empty() && !name.starts_with('.') && name.find('/') == std::string_view::npos;
}

}  // namespace

Result<ObjectStore*> ObjectInputFiles::store() {
  if (store_) return store_.get();
  STREAM_ASSIGN(place_, parse_storage(url_));
  place_.patience = std::min(place_.patience, kPatience);
  STREAM_ASSIGN(store_, open_(place_));
  return store_.get();
}

Result<std::string> ObjectInputFiles::key_of(const std::string& path) const {
  const std::string plain = name_of_input(path);
  const std::string begin = path_of("");
  if (!plain.starts_with(begin)) return usage_error("'" + plain + "' is not in the bucket '" + place_.bucket + "'");
  return plain.substr(begin.size());
}

Result<std::vector<std::string>> ObjectInputFiles::below(const std::string& folder) {
  STREAM_ASSIGN(const auto objects, store_->list(folder));
  std::vector<std::string> paths;
  for (const ObjectFacts& object : objects) {
    if (is_in(object.key, folder)) paths.push_back(path_of(object.key));
  }
  return paths;
}

Result<std::vector<std::string>> ObjectInputFiles::match(const std::string& pattern) {
  STREAM_ASSIGN(const auto objects, store_->list(pattern.substr(0, pattern.find_first_of("*["))));
  std::vector<std::string> paths;
  for (const ObjectFacts& object : objects) {
    const bool folder = object.key.ends_with('/');
    if (!folder && ::fnmatch(pattern.c_str(), object.key.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
      paths.push_back(path_of(object.key));
  }
  return paths;
}

Result<std::vector<std::string>> ObjectInputFiles::expand(const std::string& path) {
  STREAM_TRY(store().status());
  STREAM_ASSIGN(std::string key, key_of(path));
  if (key.find_first_of("*[") != std::string::npos) return match(key);
  if (!key.empty() && !key.ends_with('/')) {
    const auto facts = store_->facts(key);
    if (facts.ok()) return std::vector<std::string>{path_of(key)};
    if (facts.status().code() != Code::kNotFound) return facts.status();
    key += '/';
  }
  return below(key);
}

Result<std::unique_ptr<InputFile>> ObjectInputFiles::open(const std::string& path) {
  STREAM_ASSIGN(ObjectStore* const objects, store());
  STREAM_ASSIGN(const std::string key, key_of(path));
  STREAM_ASSIGN(ObjectFacts facts, objects->facts(key));
  return std::unique_ptr<InputFile>(new ObjectFile(*objects, std::move(facts), path));
}

Result<FileFacts> ObjectInputFiles::facts(const std::string& path) {
  STREAM_ASSIGN(const auto file, open(path));
  return file->facts();
}

InputFiles& input_files_of(const std::string& path) {
  if (!is_object_url(path)) return system_input_files();
  static std::map<std::string, std::unique_ptr<ObjectInputFiles>> known;
  auto& files = known[path];
  if (!files) {
    files = std::make_unique<ObjectInputFiles>(path, [](const StoragePlace& place) { return open_storage(place); });
  }
  return *files;
}

std::string name_of_input(const std::string& path) {
  return is_object_url(path) ? path.substr(0, path.find('?')) : path;
}

}  // namespace stream
