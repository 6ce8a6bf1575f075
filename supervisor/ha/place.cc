#include <dlfcn.h>

#include <algorithm>
#include <vector>

#include "supervisor/ha/coordination.h"
#include "supervisor/ha/file_coordination.h"
#include "transport/base/text.h"

namespace stream::ha {
namespace {

constexpr Microseconds kLeaseMin = 100'000;
constexpr Microseconds kLeaseMax = 600'000'000;

Status wrong(const std::string& text, const std::string& why) {
  return usage_error("'" + text + "' is no place for several supervisors: " + why +
                     "; write file:///shared/folder or zookeeper://host1,host2,host3/path");
}

Status take_option(const std::string& text, const std::string& option, Place& place) {
  const std::size_t equals = option.find('=');
  if (option.substr(0, equals) != "lease")
    return wrong(text, "there is no option '" + option.substr(0, equals) + "', only lease");
  const auto lease = parse_duration(equals == std::string::npos ? "" : option.substr(equals + 1));
  if (!lease.ok() || *lease < kLeaseMin || *lease > kLeaseMax)
    return wrong(text, "a lease is from 100ms to 10m, as in lease=2s");
  place.lease = *lease;
  return {};
}

}  // namespace

Result<Place> parse_place(const std::string& text) {
  Place place;
  place.text = text;
  const std::size_t mark = text.find("://");
  if (mark == std::string::npos) return wrong(text, "'://' is missing");
  place.scheme = text.substr(0, mark);
  std::string rest = text.substr(mark + 3);
  if (const std::size_t query = rest.find('?'); query != std::string::npos) {
    STREAM_TRY(take_option(text, rest.substr(query + 1), place));
    rest.resize(query);
  }
  const std::size_t slash = rest.find('/');
  if (slash == std::string::npos) return wrong(text, "the path is missing");
  place.hosts = rest.substr(0, slash);
  place.path = rest.substr(slash);
  while (place.path.size() > 1 && place.path.ends_with('/')) place.path.pop_back();
  if (place.scheme == "file" && !place.hosts.empty())
    return wrong(text, "a folder has no host: 'file:///' has three strokes");
  if (place.scheme == "zookeeper" && place.hosts.empty()) return wrong(text, "no host is named");
  if (place.scheme != "file" && place.scheme != "zookeeper") return wrong(text, "'" + place.scheme + "' is not known");
  return place;
}

namespace {}  // namespace

std::string Place::identity() const {
  std::vector<std::string> sorted = split(hosts, ',');
  std::ranges::sort(sorted);
  return scheme + "://" + join(sorted, ",") + path;
}

namespace {

constexpr char kZooKeeperLibrary[] = "libstream-zookeeper.so";

// Loaded only here: no other use of stream needs ZooKeeper's client.
Result<std::unique_ptr<Coordination>> open_zookeeper(const Place& place, const std::string& job,
                                                     const std::string& id) {
  void* const library = ::dlopen(kZooKeeperLibrary, RTLD_NOW | RTLD_LOCAL);  // for good
  if (library == nullptr)
    return failed(std::string("unable to speak to ZooKeeper: ") + ::dlerror() +
                  "; it is in the package stream-pipelines-zookeeper");
  using Open = Coordination* (*)(const Place&, const std::string&, const std::string&, Status&);
  const auto open = reinterpret_cast<Open>(::dlsym(library, "stream_open_zookeeper"));
  if (open == nullptr) return failed(std::string("'") + kZooKeeperLibrary + "' is of another version of stream");
  Status status;
  std::unique_ptr<Coordination> opened(open(place, job, id, status));
  if (!opened) return status;
  return opened;
}

}  // namespace

Result<std::unique_ptr<Coordination>> open_coordination(const Place& place, const std::string& job,
                                                        const std::string& id) {
  if (place.scheme == "zookeeper") return open_zookeeper(place, job, id);
  STREAM_ASSIGN(std::unique_ptr<FileCoordination> opened, FileCoordination::open(system_files(), place.path, job, id));
  return std::unique_ptr<Coordination>(std::move(opened));
}

}  // namespace stream::ha
