#include "storage/published.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace stream {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr int kTries = 8;               // each means that somebody else was quicker
constexpr std::size_t kMost = 8 << 20;  // bytes

Result<ObjectBytes> read_whole(ObjectStore& store, const std::string& key) {
  auto got = store.get(key, 0, kMost);
  if (got.status().code() == Code::kNotFound) return ObjectBytes{};
  return got;
}

}  // namespace

std::string to_json(const PublishedList& list) {
  json checkpoints = json::array();
  for (const PublishedCheckpoint& one : list.checkpoints)
    checkpoints.push_back({{"epoch", one.epoch}, {"size", one.size}, {"sha256", one.sha256}});
  return json{{"format", kFormat},
              {"writer", list.writer},
              {"revision", list.revision},
              {"checkpoints", std::move(checkpoints)}}
             .dump(1) +
         "\n";
}

Result<PublishedList> published_from_json(std::string_view text) {
  try {
    const json value = json::parse(text);
    if (value.at("format").get<int>() != kFormat)
      return usage_error("the list of checkpoints is of a later release of stream");
    PublishedList list;
    list.writer = value.at("writer").get<std::string>();
    list.revision = value.at("revision").get<std::uint64_t>();
    for (const json& one : value.at("checkpoints")) {
      list.checkpoints.push_back({one.at("epoch").get<std::uint64_t>(), one.at("size").get<std::uint64_t>(),
                                  one.at("sha256").get<std::string>()});
    }
    return list;
  } catch (const json::exception& e) { return corrupt(std::string("not a list of checkpoints: ") + e.what()); }
}

Result<PublishedList> read_published(ObjectStore& store, const std::string& key) {
  STREAM_ASSIGN(const ObjectBytes got, read_whole(store, key));
  if (got.etag.empty()) return PublishedList{};
  return published_from_json(got.bytes);
}

bool Published::has(std::uint64_t epoch) const {
  return std::ranges::find(list_.checkpoints, epoch, &PublishedCheckpoint::epoch) != list_.checkpoints.end();
}

Status Published::busy() { return {Code::kSystem, "others write the list of checkpoints all the time"}; }

Status Published::lost() { return {Code::kInterrupted, "another supervisor has taken over the checkpoints"}; }

Status Published::look() {
  STREAM_ASSIGN(const ObjectBytes got, read_whole(store_, key_));
  PublishedList list;
  if (!got.etag.empty()) { STREAM_ASSIGN(list, published_from_json(got.bytes)); }
  list_ = std::move(list);
  etag_ = got.etag;
  unknown_ = false;
  return {};
}

// Whether it is there now. False: it was not what was read last.
Result<bool> Published::replace(PublishedList wanted) {
  tried_ = std::max(tried_, list_.revision) + 1;
  wanted.revision = tried_;
  wanted.writer = writer_;
  unknown_ = true;
  const PutCondition condition{etag_.empty(), etag_};
  STREAM_ASSIGN(auto etag, store_.put(key_, to_json(wanted), condition));
  if (!etag) return false;
  list_ = std::move(wanted);
  etag_ = *std::move(etag);
  // Some servers do not say it: then it is read before the next change.
  unknown_ = etag_.empty();
  return true;
}

Status Published::take_over() {
  for (int tries = 0; tries < kTries; ++tries) {
    STREAM_TRY(look());
    STREAM_ASSIGN(const bool done, replace(list_));
    if (done) return {};
  }
  return busy();
}

// A put that was not answered may still be on its way: one that is answered makes its condition fail.
Status Published::settle() {
  for (int tries = 0; tries < kTries; ++tries) {
    if (unknown_) STREAM_TRY(look());
    if (list_.writer != writer_) return lost();
    if (list_.revision == tried_) return {};
    STREAM_ASSIGN(const bool done, replace(list_));
    if (done && !unknown_) return {};
  }
  return busy();
}

Status Published::change(const Change& change) {
  for (int tries = 0; tries < kTries; ++tries) {
    STREAM_TRY(settle());
    PublishedList wanted = list_;
    change(wanted);
    if (wanted == list_) return {};
    STREAM_ASSIGN(const bool done, replace(std::move(wanted)));
    if (done) return {};
  }
  return busy();
}

Status Published::add(const PublishedCheckpoint& checkpoint) {
  return change([&](PublishedList& list) {
    std::erase_if(list.checkpoints, [&](const auto& one) { return one.epoch == checkpoint.epoch; });
    list.checkpoints.push_back(checkpoint);
    std::ranges::sort(list.checkpoints, {}, &PublishedCheckpoint::epoch);
  });
}

Status Published::remove(const std::vector<std::uint64_t>& epochs) {
  return change([&](PublishedList& list) {
    std::erase_if(list.checkpoints,
                  [&](const auto& one) { return std::ranges::find(epochs, one.epoch) != epochs.end(); });
  });
}

}  // namespace stream
