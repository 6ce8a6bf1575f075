#include "supervisor/kubernetes/controller/watch.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "supervisor/kubernetes/api/fields.h"
#include "supervisor/kubernetes/definition.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr int kFollowSeconds = 20;  // then it is begun again, where it was
constexpr Microseconds kPatience = 30'000'000;
constexpr Microseconds kPauseLeast = 200'000;
constexpr Microseconds kPauseMost = 30'000'000;
constexpr int kAnswered = 200;
constexpr int kGone = 410;

// What its status says changes with every look of ours.
std::string mark_of(const json& pipeline) {
  return text_at(pipeline, "/metadata/uid") + " " + std::to_string(number_at(pipeline, "/metadata/generation")) + " " +
         text_at(pipeline, "/metadata/deletionTimestamp");
}

}  // namespace

Watch::Watch(ApiPlace place) : cluster_(place), api_(std::move(place), kPatience), thread_([this] { follow(); }) {}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Watch::is_over() const {
  const std::lock_guard lock(mutex_);
  return over_;
}

std::set<std::string> Watch::take(Microseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::microseconds(patience), [this] { return !due_.empty(); });
  return std::exchange(due_, {});
}

std::set<std::string> Watch::all() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> names;
  for (const auto& [name, mark] : known_) names.insert(name);
  return names;
}

void Watch::note(const json& pipeline) {
  const std::string name = text_at(pipeline, "/metadata/name");
  std::string mark = mark_of(pipeline);
  const std::lock_guard lock(mutex_);
  std::string& known = known_[name];
  if (known == mark) return;
  known = std::move(mark);
  due_.insert(name);
  changed_.notify_all();
}

Result<std::string> Watch::begin() {
  STREAM_ASSIGN(const Cluster::Listed listed, cluster_.list());
  {
    const std::lock_guard lock(mutex_);
    std::set<std::string> names;
    for (const json& one : listed.pipelines) names.insert(text_at(one, "/metadata/name"));
    std::erase_if(known_, [&](const auto& one) { return !names.contains(one.first); });
  }
  for (const json& one : listed.pipelines) note(one);
  return listed.version;
}

bool Watch::hear(const std::string& line, std::string& version) {
  const json event = json::parse(line, nullptr, false);
  const std::string type = text_at(event, "/type");
  if (type == "ERROR" || type.empty()) return false;
  version = text_at(event, "/object/metadata/resourceVersion");
  if (type == "DELETED") {
    const std::lock_guard lock(mutex_);
    known_.erase(text_at(event, "/object/metadata/name"));
  } else if (type != "BOOKMARK") {
    note(event["object"]);
  }
  return true;
}

// From `version` on, which goes along; "" where it is to be listed again: what is between is not known any more (410).
Status Watch::follow_once(std::string& version) {
  if (version.empty()) { STREAM_ASSIGN(version, begin()); }
  const std::string path = api_.path_of(std::string("apis/") + kGroupVersion, kPlural) +
                           "?watch=1&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(kFollowSeconds) +
                           "&resourceVersion=" + version;
  bool heard = true;
  const auto ended =
      api_.follow(path, [&](const std::string& line) { return (heard = hear(line, version)) && !is_over(); });
  if (!heard || !ended.ok() || *ended != kAnswered) version.clear();
  STREAM_TRY(ended.status());
  if (*ended == kAnswered || *ended == kGone) return {};
  return failed("unable to watch StreamPipelines: it answers " + std::to_string(*ended));
}

void Watch::follow() {
  std::string version;
  Microseconds pause = kPauseLeast;
  while (!is_over()) {
    const Status status = follow_once(version);
    if (status.ok() && !version.empty()) {
      pause = kPauseLeast;
      continue;
    }
    if (!status.ok()) std::fprintf(stderr, "controller: %s\n", status.what().c_str());
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::microseconds(pause), [this] { return over_; });
    pause = std::min(pause * 2, kPauseMost);
  }
}

}  // namespace stream::kubernetes
