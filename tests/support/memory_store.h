// MemoryStore: an ObjectStore in memory whose nth request goes wrong.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/object_store.h"

namespace stream {

enum class Mishap {
  kNone,
  kLostRequest,  // nothing was done, and there is no answer
  kLostAnswer,   // it was done, and there is no answer
  kLate,         // there is no answer, and it is done when arrive() is called
};

class MemoryStore final : public ObjectStore {
 public:
  struct Object {
    std::string bytes;
    std::string etag;
  };
  struct Upload {
    std::string key;
    std::map<std::uint32_t, Object> parts;
  };

  // The request with this number, from 1 on, goes wrong; 0: none. `count` requests in a row do.
  void go_wrong(std::size_t number, Mishap mishap, std::size_t count = 1) {
    wrong_ = number;
    mishap_ = mishap;
    count_ = count;
    requests_ = 0;
  }
  std::size_t requests() const { return requests_; }
  // What was late comes now.
  void arrive() {
    for (const auto& one : std::exchange(late_, {})) one();
  }
  bool waits() const { return !late_.empty(); }

  std::map<std::string, Object> objects;
  std::map<std::string, Upload> uploads;
  bool claims = false;                                 // says that an upload is complete, and leaves it as it is
  std::function<void(const std::string& key)> on_put;  // what was put counts

  Result<std::optional<std::string>> put(const std::string& key, std::string_view bytes,
                                         const PutCondition& condition) override {
    return request<std::optional<std::string>>([this, key, text = std::string(bytes), condition] {
      const auto found = objects.find(key);
      if (condition.if_absent && found != objects.end()) return std::optional<std::string>();
      if (!condition.if_etag.empty() && (found == objects.end() || found->second.etag != condition.if_etag))
        return std::optional<std::string>();
      objects[key] = {text, etag_of(text)};
      if (on_put) on_put(key);
      return std::optional(objects[key].etag);
    });
  }
  Result<ObjectBytes> get(const std::string& key, std::uint64_t offset, std::uint64_t size_max) override {
    const auto got = request<std::optional<ObjectBytes>>([this, key, offset, size_max]() -> std::optional<ObjectBytes> {
      const auto found = objects.find(key);
      if (found == objects.end()) return std::nullopt;
      const std::string& bytes = found->second.bytes;
      return ObjectBytes{offset < bytes.size() ? bytes.substr(offset, size_max) : "", found->second.etag};
    });
    if (!got.ok()) return got.status();
    return *got ? Result<ObjectBytes>(**got) : Result<ObjectBytes>(nothing(key));
  }
  Result<ObjectFacts> facts(const std::string& key) override {
    const auto got = get(key, 0, UINT64_MAX);
    if (!got.ok()) return got.status();
    return ObjectFacts{key, got->bytes.size(), got->etag};
  }
  Result<std::vector<ObjectFacts>> list(const std::string& prefix) override {
    return request<std::vector<ObjectFacts>>([this, prefix] {
      std::vector<ObjectFacts> found;
      for (const auto& [key, object] : objects) {
        if (key.starts_with(prefix)) found.push_back({key, object.bytes.size(), object.etag});
      }
      return found;
    });
  }
  Status remove(const std::string& key) override {
    return request<bool>([this, key] { return objects.erase(key) > 0; }).status();
  }
  Result<std::string> begin_upload(const std::string& key) override {
    return request<std::string>([this, key] {
      std::string id = "upload-" + std::to_string(++made_);
      uploads[id].key = key;
      return id;
    });
  }
  Result<std::string> upload_part(const OpenUpload& upload, std::uint32_t number, std::string_view bytes) override {
    const auto done = request<std::string>([this, upload, number, text = std::string(bytes)]() -> std::string {
      const auto found = uploads.find(upload.id);
      if (found == uploads.end()) return {};
      found->second.parts[number] = {text, etag_of(text)};
      return found->second.parts[number].etag;
    });
    if (done.ok() && done->empty()) return nothing(upload.id);
    return done;
  }
  Status complete_upload(const OpenUpload& upload, const std::vector<UploadedPart>& parts) override {
    const auto done = request<Status>([this, upload, parts]() -> Status {
      const auto found = uploads.find(upload.id);
      if (found == uploads.end()) return nothing(upload.id);
      std::string bytes;
      for (const UploadedPart& part : parts) {
        const auto known = found->second.parts.find(part.number);
        if (known == found->second.parts.end() || known->second.etag != part.etag) return failed("InvalidPart");
        bytes += known->second.bytes;
      }
      if (claims) return {};
      objects[upload.key] = {bytes, etag_of(bytes)};
      uploads.erase(found);
      return {};
    });
    return done.ok() ? Status() : done.status();
  }
  Status abort_upload(const OpenUpload& upload) override {
    return request<bool>([this, upload] { return uploads.erase(upload.id) > 0; }).status();
  }
  Result<std::vector<OpenUpload>> list_uploads(const std::string& prefix) override {
    return request<std::vector<OpenUpload>>([this, prefix] {
      std::vector<OpenUpload> found;
      for (const auto& [id, upload] : uploads) {
        if (upload.key.starts_with(prefix)) found.push_back({upload.key, id});
      }
      return found;
    });
  }

 private:
  static Status nothing(const std::string& what) { return {Code::kNotFound, "there is no '" + what + "'"}; }
  // As with S3: of the bytes alone.
  static std::string etag_of(const std::string& bytes) {
    return "\"" + std::to_string(std::hash<std::string>()(bytes)) + "\"";
  }

  template <class T, class Work>
  std::conditional_t<std::is_same_v<T, Status>, Result<bool>, Result<T>> request(Work work) {
    const std::scoped_lock lock(mutex_);
    ++requests_;
    const bool wrong = wrong_ != 0 && requests_ >= wrong_ && requests_ < wrong_ + count_;
    const Mishap mishap = wrong ? mishap_ : Mishap::kNone;
    const Status silence(Code::kSystem, "no answer");
    if (mishap == Mishap::kLostRequest) return silence;
    if (mishap == Mishap::kLate) {
      late_.push_back([work] { (void)work(); });
      return silence;
    }
    auto done = work();
    if (mishap == Mishap::kLostAnswer) return silence;
    if constexpr (std::is_same_v<T, Status>) {
      if (!done.ok()) return done;
      return true;
    } else {
      return done;
    }
  }

  std::mutex mutex_;
  std::size_t wrong_ = 0;
  std::size_t count_ = 1;
  std::size_t requests_ = 0;
  std::size_t made_ = 0;
  Mishap mishap_ = Mishap::kNone;
  std::vector<std::function<void()>> late_;
};

// For whoever owns its store: one that outlives it.
class LentStore final : public ObjectStore {
 public:
  explicit LentStore(MemoryStore& store) : store_(store) {}
  Result<std::optional<std::string>> put(const std::string& key, std::string_view bytes,
                                         const PutCondition& condition) override {
    return store_.put(key, bytes, condition);
  }
  Result<ObjectBytes> get(const std::string& key, std::uint64_t offset, std::uint64_t size) override {
    return store_.get(key, offset, size);
  }
  Result<ObjectFacts> facts(const std::string& key) override { return store_.facts(key); }
  Result<std::vector<ObjectFacts>> list(const std::string& prefix) override { return store_.list(prefix); }
  Status remove(const std::string& key) override { return store_.remove(key); }
  Result<std::string> begin_upload(const std::string& key) override { return store_.begin_upload(key); }
  Result<std::string> upload_part(const OpenUpload& upload, std::uint32_t number, std::string_view bytes) override {
    return store_.upload_part(upload, number, bytes);
  }
  Status complete_upload(const OpenUpload& upload, const std::vector<UploadedPart>& parts) override {
    return store_.complete_upload(upload, parts);
  }
  Status abort_upload(const OpenUpload& upload) override { return store_.abort_upload(upload); }
  Result<std::vector<OpenUpload>> list_uploads(const std::string& prefix) override {
    return store_.list_uploads(prefix);
  }

 private:
  MemoryStore& store_;
};

}  // namespace stream
