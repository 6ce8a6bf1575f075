#include "storage/retry.h"

#include <algorithm>

namespace stream {
namespace {

std::uint64_t next_random(std::uint64_t& state) {  // xorshift
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

class RetryingStore final : public ObjectStore {
 public:
  RetryingStore(std::unique_ptr<ObjectStore> store, RetryPolicy policy, const Clock& clock, Pause pause)
      : store_(std::move(store)), policy_(policy), clock_(clock), pause_(std::move(pause)) {}

  Result<std::optional<std::string>> put(const std::string& key, std::string_view bytes,
                                         const PutCondition& condition) override {
    if (condition.if_absent || !condition.if_etag.empty()) return store_->put(key, bytes, condition);
    return again([&] { return store_->put(key, bytes, condition); });
  }
  Result<ObjectBytes> get(const std::string& key, std::uint64_t offset, std::uint64_t size_max) override {
    return again([&] { return store_->get(key, offset, size_max); });
  }
  Result<ObjectFacts> facts(const std::string& key) override {
    return again([&] { return store_->facts(key); });
  }
  Result<std::vector<ObjectFacts>> list(const std::string& prefix) override {
    return again([&] { return store_->list(prefix); });
  }
  Status remove(const std::string& key) override {
    return again([&] { return store_->remove(key); });
  }
  Result<std::string> begin_upload(const std::string& key) override {
    return again([&] { return store_->begin_upload(key); });
  }
  Result<std::string> upload_part(const OpenUpload& upload, std::uint32_t number, std::string_view bytes) override {
    return again([&] { return store_->upload_part(upload, number, bytes); });
  }
  Status complete_upload(const OpenUpload& upload, const std::vector<UploadedPart>& parts) override {
    return again([&] { return store_->complete_upload(upload, parts); });
  }
  Status abort_upload(const OpenUpload& upload) override {
    return again([&] { return store_->abort_upload(upload); });
  }
  Result<std::vector<OpenUpload>> list_uploads(const std::string& prefix) override {
    return again([&] { return store_->list_uploads(prefix); });
  }

 private:
  static const Status& status_of(const Status& status) { return status; }
  template <class T>
  static const Status& status_of(const Result<T>& result) {
    return result.status();
  }

  template <class Work>
  auto again(const Work& work) -> decltype(work()) {
    const Microseconds began = clock_.monotonic_us();
    Backoff backoff(policy_, static_cast<std::uint64_t>(began) * 2654435761U);
    for (;;) {
      auto done = work();
      if (status_of(done).code() != Code::kSystem) return done;
      const auto wait = backoff.next(clock_.monotonic_us() - began);
      if (!wait || !pause_(*wait)) return done;
    }
  }

  const std::unique_ptr<ObjectStore> store_;
  const RetryPolicy policy_;
  const Clock& clock_;
  const Pause pause_;
};

}  // namespace

std::optional<Microseconds> Backoff::next(Microseconds spent) {
  const Microseconds whole = std::min(policy_.most, policy_.first << std::min(tries_, 20U));
  ++tries_;
  const Microseconds half = whole / 2;
  const Microseconds wait =
      half + static_cast<Microseconds>(next_random(random_) % static_cast<std::uint64_t>(whole - half + 1));
  if (spent + wait >= policy_.patience) return std::nullopt;
  return wait;
}

std::unique_ptr<ObjectStore> make_retrying(std::unique_ptr<ObjectStore> store, RetryPolicy policy, const Clock& clock,
                                           Pause pause) {
  return std::make_unique<RetryingStore>(std::move(store), policy, clock, std::move(pause));
}

}  // namespace stream
